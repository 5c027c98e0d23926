//! The committed Rust code of the wire is what the `.proto` files say. Refresh it with
//! `UPDATE=1 cargo test -p dawnwatch-proto --test generated`.

use std::path::Path;

const FILES: [&str; 3] = ["enroll", "plan", "session"];

fn generate(into: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let protos = FILES.map(|name| root.join(format!("dawnwatch/v1/{name}.proto")));
    let descriptors = protox::compile(protos, [root]).expect("the .proto files compile");
    tonic_prost_build::configure()
        .build_transport(false)
        .codec_path("crate::codec::SmallBuffers")
        // The sending side looks series up in its dictionary.
        .type_attribute("dawnwatch.v1.Series", "#[derive(Eq, Hash)]")
        .out_dir(into)
        .compile_fds(descriptors)
        .expect("code is generated");
}

#[test]
fn committed_code_matches_the_proto_files() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    if std::env::var_os("UPDATE").is_some() {
        generate(&committed);
        return;
    }
    let fresh = tempfile::tempdir().expect("a temporary folder");
    generate(fresh.path());
    let read = |folder: &Path| {
        std::fs::read_to_string(folder.join("dawnwatch.v1.rs")).expect("generated file")
    };
    assert!(
        read(fresh.path()) == read(&committed),
        "src/generated is stale: run `UPDATE=1 cargo test -p dawnwatch-proto --test generated`"
    );
}
