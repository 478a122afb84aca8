//! The state that an apply would leave: a plan for an empty account, and the events of each of its tasks folded.

use std::{collections::BTreeMap, fs, path::Path};

use secnet::{
    analysis::{Inputs, analyze},
    plan::{
        Input,
        observation::{Observation, image_key},
        plan,
    },
    resources,
    state::{
        Image, State,
        event::{Event, What},
        store::Store,
    },
};

/// Writes the state of a project's directory.
pub fn write(directory: &Path) {
    let mut files: Vec<(String, String)> = vec![];
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "secnet") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path).expect("a text")));
        }
    }
    files.sort();
    let analysis = analyze(files, &Inputs::default());
    assert!(!analysis.has_errors(), "the tree has errors");
    let image = Image {
        id: "ami-00000000000000001".into(),
        name: "al2023".into(),
        architecture: "x86_64".into(),
        root_device_name: "/dev/xvda".into(),
        root_volume_size: Some(8),
    };
    let images = BTreeMap::from([(image_key("al2023", None), image)]);
    let observation = Observation { region: "us-east-1".into(), images: images.clone(), ..Observation::default() };
    let mut state = State::empty("peers", "0123456789abcdef0123456789abcdef".into());
    let input = Input { model: &analysis.model, state: &state, observation: &observation, sources: None };
    let plan = plan(&input).expect("a plan");
    state.region = Some("us-east-1".into());
    state.fold(&Event::Images { images });
    for (task, of) in plan.tasks.into_iter().enumerate() {
        if let What::Create { address, record, after, protect } = &of.what {
            let prefix = resources::spec(address.kind()).map_or("", |s| s.id_prefix);
            let (id, secnet_id) = (format!("{prefix}0{task:016x}"), format!("{task:032x}"));
            let (record, after, protect) = (record.clone(), after.clone(), *protect);
            state.fold(&Event::Created { task, address: address.clone(), id, secnet_id, record, after, protect, site: None });
        }
        state.fold(&Event::Done { task, what: of.what });
    }
    let store = Store::new(directory.join("state"), "peers");
    let lock = store.lock("bench").expect("nobody else is here");
    store.write(&lock, state).expect("the state is written");
}
