//! Runs the Go toolchain: builds programs and fetches modules, from their own `go.mod` files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// A `go.mod` with its `go.sum`, carried inside this program so that the checkout is never written to.
pub struct Module {
    manifest: &'static str,
    sums: &'static str,
    /// Its own program, where it is more than a list of others'.
    main: Option<&'static str>,
    /// Build tags: what its programs are built without.
    tags: &'static str,
}

pub const KUBERNETES: Module = Module {
    manifest: include_str!("../go/kubernetes/go.mod"),
    sums: include_str!("../go/kubernetes/go.sum"),
    main: None,
    tags: "",
};

pub const ETCD: Module = Module {
    manifest: include_str!("../go/etcd/go.mod"),
    sums: include_str!("../go/etcd/go.sum"),
    main: None,
    tags: "",
};

pub const CONTAINERD: Module = Module {
    manifest: include_str!("../go/containerd/go.mod"),
    sums: include_str!("../go/containerd/go.sum"),
    main: None,
    // Snapshotters that nobody asks for here.
    tags: "no_btrfs,no_devmapper,no_zfs",
};

pub const COREDNS: Module = Module {
    manifest: include_str!("../go/coredns/go.mod"),
    sums: include_str!("../go/coredns/go.sum"),
    main: Some(include_str!("../go/coredns/main.go")),
    tags: "",
};

pub const PAUSE: Module = Module {
    manifest: include_str!("../go/pause/go.mod"),
    sums: "",
    main: Some(include_str!("../go/pause/main.go")),
    tags: "",
};

pub const WEB: Module = Module {
    manifest: include_str!("../go/web/go.mod"),
    sums: "",
    main: Some(include_str!("../go/web/main.go")),
    tags: "",
};

impl Module {
    /// Builds one program of this module (`.`) or of its dependencies; `scratch` is a folder of the caller.
    pub fn build(&self, package: &str, linker_flags: &str, scratch: &Path, output: &Path) -> Result<()> {
        std::fs::write(scratch.join("go.mod"), self.manifest)?;
        std::fs::write(scratch.join("go.sum"), self.sums)?;
        if let Some(main) = self.main {
            std::fs::write(scratch.join("main.go"), main)?;
        }
        let mut go = go();
        go.current_dir(scratch).args(["build", "-trimpath", "-tags", self.tags, "-ldflags", linker_flags]);
        succeed(go.arg("-o").arg(output).arg(package))?;
        Ok(())
    }
}

/// Builds a program from the module that holds it, with that module's own dependencies.
pub fn install(package: &str, version: &str, into: &Path) -> Result<()> {
    install_with(package, version, "-s -w", into)
}

/// The same with more to tell the linker.
pub fn install_with(package: &str, version: &str, linker_flags: &str, into: &Path) -> Result<()> {
    let mut go = go();
    go.current_dir(into).env("GOBIN", into).args(["install", "-trimpath", "-ldflags", linker_flags]);
    succeed(go.arg(format!("{package}@{version}")))?;
    Ok(())
}

/// Fetches a module and answers where its files are; they are read-only and shared with everything else.
pub fn download(module: &str, version: &str, scratch: &Path) -> Result<PathBuf> {
    let mut go = go();
    go.current_dir(scratch).args(["mod", "download", "-json"]).arg(format!("{module}@{version}"));
    let output = succeed(&mut go)?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let folder = answer["Dir"].as_str().with_context(|| format!("go names no folder for {module}"))?;
    Ok(PathBuf::from(folder))
}

/// Fails, with what to do about it, when there is no Go on this machine.
pub fn available() -> Result<()> {
    succeed(go().arg("version")).map(|_| ())
}

fn go() -> Command {
    let mut go = Command::new("go");
    // A caller's workspace or flags (-mod=vendor, say) are meant for another module than ours.
    go.env("GOWORK", "off").env("GOFLAGS", "-buildvcs=false");
    // No C compiler is needed, and the programs run wherever they are copied.
    go.env("CGO_ENABLED", "0");
    go
}

fn succeed(go: &mut Command) -> Result<Output> {
    let output = match go.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!(
                "`go` is not on PATH: install Go 1.26 or newer (https://go.dev/dl), it builds the cluster once"
            )
        }
        other => other.context("go does not start")?,
    };
    if !output.status.success() {
        bail!("{go:?} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(output)
}
