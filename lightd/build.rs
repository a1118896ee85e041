//! Compiles the kubelet's device plugin API. It is here and not in the contract, for it isn't podlight's own: the watcher
//! never speaks it, and reflection doesn't show it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["deviceplugin.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
