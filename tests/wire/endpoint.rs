//! Endpoints that are not there, do not answer, or answer something else.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use secnet::{
    call::Class,
    live::{ConnectError, ConnectOptions, Live, Patience},
};
use serde_json::json;

use super::ec2::{connect, options, refused};

/// An endpoint that does this with each connection; it ends with the process.
fn endpoint(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    url
}

/// Reads a request's head and its body of one packet, which is all that a test sends.
fn read(stream: &mut TcpStream) {
    let mut buffer = [0; 65536];
    let mut seen = 0;
    while !String::from_utf8_lossy(&buffer[..seen]).contains("Action=") {
        seen += stream.read(&mut buffer[seen..]).unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_that_refuses_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ec2 = connect(&url).await;
    for action in ["DeleteVpc", "DescribeVpcs"] {
        let error = refused(&ec2, action, json!({})).await;
        assert_eq!(error.class, Class::Unreachable, "{error}");
        assert!(error.message.starts_with(&format!("`{url}` cannot be reached: Connection refused")), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_serves_pages_does_not_speak_ec2() {
    let page = "<!doctype html><html><head><title>Welcome to nginx!</title></head></html>";
    let url = endpoint(move |mut stream| {
        read(&mut stream);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{page}", page.len())
            .unwrap();
    });
    let ec2 = connect(&url).await;
    // Behind it EC2 may have carried out what changes something.
    for (action, class) in [("DeleteVpc", Class::Ambiguous), ("DescribeVpcs", Class::Unreachable)] {
        let error = refused(&ec2, action, json!({})).await;
        assert_eq!(error.class, class, "{error}");
        assert_eq!(error.message, format!("`{url}` does not speak EC2: it answered 200 with `{page}`"));
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_leaves_it_open_what_happened() {
    let url = endpoint(std::mem::forget);
    let patience = Patience { answer: Duration::from_millis(300), ..Patience::default() };
    let ec2 = Live::connect(ConnectOptions { patience, ..options(&url) }).await.unwrap();
    let error = refused(&ec2, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})).await;
    assert_eq!((error.class, error.message), (Class::Ambiguous, format!("`{url}` gave no answer in time")));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_it_open_what_happened_and_nothing_is_sent_again() {
    let (count, counted) = std::sync::mpsc::channel();
    let url = endpoint(move |mut stream| {
        read(&mut stream);
        count.send(()).unwrap();
    });
    let error = refused(&connect(&url).await, "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})).await;
    assert_eq!(error.class, Class::Ambiguous, "{error}");
    assert!(error.message.starts_with(&format!("the connection to `{url}` broke before the answer")), "{error}");
    assert_eq!(counted.try_iter().count(), 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let bad = ConnectOptions { region: Some("US East".into()), ..options("http://127.0.0.1:1") };
    assert_eq!(Live::connect(bad).await.err(), Some(ConnectError::BadRegion("US East".into())));
    assert_eq!(Live::connect(options("127.0.0.1:1")).await.err(), Some(ConnectError::BadEndpoint("127.0.0.1:1".into())));
}
