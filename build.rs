//! Compiles `proto/` to Rust, and to the descriptor set that gRPC reflection serves.

use prost::Message as _;

#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto/podlight");
    let descriptors = protox::compile(["podlight/v1/light.proto", "podlight/v1/cluster.proto"], ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // By their names messages find their descriptors.
    let mut config = prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().codec_path("crate::codec::Small").compile_fds_with_config(descriptors, config)?;
    Ok(())
}
