//! The public parameters of Systems Manager that name the newest image of a family, over SSM's JSON protocol. Layer 8.
//!
//! docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html

use serde_json::json;

use crate::{
    call::Json,
    sim::{image, params::Params},
};

/// What the protocol calls its answers.
pub(crate) const JSON: &str = "application/x-amz-json-1.1";

/// How many parameters one request may name or is answered with (API reference of Systems Manager).
const NAMES_MAX: usize = 10;

/// A parameter, and how the images begin and end that it names the newest of.
type Family = (&'static str, &'static str, &'static str);

const FAMILIES: &[Family] = &[
    ("ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64", "al2023-ami-2023.", "-kernel-6.1-arm64"),
    ("ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64", "al2023-ami-2023.", "-kernel-6.1-x86_64"),
    ("ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", "al2023-ami-2023.", "-kernel-6.1-arm64"),
    ("ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "al2023-ami-2023.", "-kernel-6.1-x86_64"),
    ("ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-arm64", "al2023-ami-minimal-", "-arm64"),
    ("ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-x86_64", "al2023-ami-minimal-", "-x86_64"),
    ("ami-amazon-linux-latest/amzn2-ami-hvm-arm64-gp2", "amzn2-ami-hvm-", "-arm64-gp2"),
    ("ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2", "amzn2-ami-hvm-", "-x86_64-gp2"),
    ("canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-", ""),
    ("canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-", ""),
    ("canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-", ""),
    ("canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-", ""),
    ("debian/release/12/latest/amd64", "debian-12-amd64-", ""),
    ("debian/release/12/latest/arm64", "debian-12-arm64-", ""),
    ("debian/release/13/latest/amd64", "debian-13-amd64-", ""),
    ("debian/release/13/latest/arm64", "debian-13-arm64-", ""),
];

/// Where AWS publishes them.
const ROOT: &str = "/aws/service/";

/// Answers one request: `target` is `AmazonSSM.GetParameter`. Status and body.
pub(crate) fn answer(region: &str, target: &str, body: &str) -> (u16, String) {
    let asked: Json = serde_json::from_str(body).unwrap_or_default();
    let asked = Params::new(&asked);
    let answered = match target {
        "AmazonSSM.GetParameter" => match asked.text("Name").map(|name| parameter(region, name)) {
            None => Err(("ValidationException", "1 validation error detected: Value at 'name' failed to satisfy constraint".to_owned())),
            Some(None) => Err(("ParameterNotFound", String::new())),
            Some(Some(found)) => Ok(json!({"Parameter": found})),
        },
        "AmazonSSM.GetParameters" if (1..=NAMES_MAX).contains(&asked.texts("Names").len()) => {
            let names = asked.texts("Names");
            let found: Vec<Json> = names.iter().filter_map(|name| parameter(region, name)).collect();
            let invalid: Vec<&str> = names.into_iter().filter(|name| parameter(region, name).is_none()).collect();
            Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
        }
        "AmazonSSM.GetParameters" => Err(("ValidationException", format!("Member must have length from 1 to {NAMES_MAX}"))),
        "AmazonSSM.GetParametersByPath" => by_path(region, asked),
        _ => Err(("UnknownOperationException", String::new())),
    };
    match answered {
        Ok(answer) => (200, answer.to_string()),
        Err((code, message)) => (400, json!({"__type": code, "message": message}).to_string()),
    }
}

fn parameter(region: &str, name: &str) -> Option<Json> {
    let short = name.strip_prefix(ROOT)?;
    let (_, begins, ends) = FAMILIES.iter().find(|family| family.0 == short)?;
    let image = image::newest(begins, ends)?;
    Some(json!({
        "Name": name,
        "Type": "String",
        "Value": image,
        "Version": 1,
        "ARN": format!("arn:aws:ssm:{region}::parameter{name}"),
        "DataType": "text",
    }))
}

/// Those right below a path, or anywhere below it; page by page.
fn by_path(region: &str, asked: Params<'_>) -> Result<Json, (&'static str, String)> {
    let path = asked.text("Path").unwrap_or_default().trim_end_matches('/').to_owned();
    let deep = asked.flag("Recursive") == Some(true);
    let below =
        |name: &String| name.strip_prefix(&path).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| deep || !rest.contains('/'));
    let names: Vec<String> = FAMILIES.iter().map(|family| format!("{ROOT}{}", family.0)).filter(below).collect();
    let most = asked.int("MaxResults").and_then(|n| usize::try_from(n).ok()).unwrap_or(NAMES_MAX);
    if !(1..=NAMES_MAX).contains(&most) {
        return Err(("ValidationException", format!("Value at 'maxResults' must be from 1 to {NAMES_MAX}")));
    }
    let from = match asked.text("NextToken") {
        None => 0,
        Some(last) => names.iter().position(|name| name == last).map(|at| at + 1).ok_or(("InvalidNextToken", String::new()))?,
    };
    let page: Vec<&String> = names.iter().skip(from).take(most).collect();
    let found: Vec<Json> = page.iter().filter_map(|name| parameter(region, name)).collect();
    let last = page.last().filter(|_| from + page.len() < names.len());
    Ok(match last {
        Some(last) => json!({"Parameters": found, "NextToken": last}),
        None => json!({"Parameters": found}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str, body: Json) -> (u16, Json) {
        let (status, body) = answer("eu-central-1", &format!("AmazonSSM.{target}"), &body.to_string());
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    #[test]
    fn every_parameter_names_an_image() {
        for (name, ..) in FAMILIES {
            let (status, answer) = asked("GetParameter", json!({"Name": format!("{ROOT}{name}")}));
            let id = answer.pointer("/Parameter/Value").and_then(Json::as_str).unwrap_or_default();
            assert!(status == 200 && image::find(id).is_ok(), "{name}: {answer}");
        }
        let (status, answer) = asked("GetParameter", json!({"Name": "/mine"}));
        assert_eq!((status, &answer["__type"]), (400, &json!("ParameterNotFound")));
        assert_eq!(asked("PutParameter", json!({"Name": "/mine"})).1["__type"], json!("UnknownOperationException"));
    }

    #[test]
    fn several_are_read_by_name_and_by_path() {
        let debian = format!("{ROOT}debian/release/12/latest/amd64");
        let (_, answer) = asked("GetParameters", json!({"Names": [debian, "/mine"]}));
        assert_eq!((&answer["Parameters"][0]["Name"], &answer["InvalidParameters"]), (&json!(debian), &json!(["/mine"])));
        assert_eq!(asked("GetParameters", json!({"Names": []})).0, 400);
        let path = json!({"Path": "/aws/service/ami-amazon-linux-latest", "MaxResults": 5});
        let (_, first) = asked("GetParametersByPath", path.clone());
        assert_eq!(first["Parameters"].as_array().map(Vec::len), Some(5));
        let mut rest = path;
        rest["NextToken"] = first["NextToken"].clone();
        let (_, second) = asked("GetParametersByPath", rest);
        assert_eq!((second["Parameters"].as_array().map(Vec::len), second.get("NextToken")), (Some(3), None));
        let above = |recursive: bool| asked("GetParametersByPath", json!({"Path": "/aws/service/debian", "Recursive": recursive})).1;
        assert_eq!(above(false)["Parameters"], json!([]));
        assert_eq!(above(true)["Parameters"].as_array().map(Vec::len), Some(4));
    }
}
