//! EC2's Query protocol, from the server's side: an answer becomes XML. Layer 8.

use crate::{
    call::{ApiError, Json},
    sim::shapes::{self, Action, Kind},
};

const EC2: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// An answer.
pub(crate) fn answer(action: &str, answer: &Json, request_id: &str) -> String {
    let Some(Action(service, _, shape)) = shapes::action(action) else { return String::new() };
    let mut body = String::new();
    if shape.is_empty() {
        body.push_str("<return>true</return>");
    } else {
        write(&Kind::Structure(shape.clone()), answer, &mut body);
    }
    match &**service {
        "sts" => format!(
            "<{action}Response xmlns=\"{STS}\"><{action}Result>{body}</{action}Result>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
        ),
        _ => format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <{action}Response xmlns=\"{EC2}\"><requestId>{request_id}</requestId>{body}</{action}Response>"
        ),
    }
}

/// A refusal.
pub(crate) fn refusal(error: &ApiError, sts: bool, request_id: &str) -> String {
    let (code, message) = (escape(&error.code), escape(&error.message));
    if sts {
        return format!(
            "<ErrorResponse xmlns=\"{STS}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>{request_id}</RequestId></ErrorResponse>"
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
}

fn write(kind: &Kind, value: &Json, out: &mut String) {
    match (kind, value) {
        (_, Json::Null) => {}
        (Kind::Structure(name), Json::Object(map)) => {
            for member in shapes::members(name) {
                let Some(value) = map.get(&member.name).filter(|v| !v.is_null()) else { continue };
                match (&*member.xml, &member.kind, value) {
                    // The one list whose elements have a name of their own: the groups of a launch template's interface.
                    ("groupSet", Kind::List(of), Json::Array(ids)) if **of == Kind::Text => {
                        out.push_str("<groupSet>");
                        ids.iter().for_each(|id| element("groupId", of, id, out));
                        out.push_str("</groupSet>");
                    }
                    (name, kind, value) => element(name, kind, value, out),
                }
            }
        }
        (Kind::List(of), Json::Array(items)) => items.iter().for_each(|item| element("item", of, item, out)),
        (_, Json::String(text)) => out.push_str(&escape(text)),
        (_, other) => out.push_str(&other.to_string()),
    }
}

fn element(name: &str, kind: &Kind, value: &Json, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    write(kind, value, out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Characters that XML takes for its own; those that it cannot hold at all become a question mark.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}
