//! A build of a program that needs no file beside it, and that depends on nothing but the commit and the tools.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::stdout;

/// Between the flags in one variable, for cargo: a space could be part of a path.
const SEPARATOR: &str = "\u{1f}";

/// This checkout, and where cargo builds it.
pub struct Workspace {
    root: PathBuf,
    /// For what is built: it stays there.
    pub target: PathBuf,
    /// For what only the build needs. Mostly the same.
    intermediate: PathBuf,
}

impl Workspace {
    /// Asks cargo, since a user's configuration has a say in it.
    pub fn at(root: PathBuf) -> Result<Self> {
        let mut cargo = Command::new(cargo());
        cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(&root);
        let metadata: serde_json::Value = serde_json::from_str(&stdout(&mut cargo)?)?;
        let folder = |key: &str| metadata[key].as_str().map(PathBuf::from);
        let target = folder("target_directory").context("cargo metadata tells no target folder")?;
        let intermediate = folder("build_directory").unwrap_or_else(|| target.clone());
        Ok(Self { root, target, intermediate })
    }

    /// Builds a package's program of the same name for this machine, and tells where it is.
    ///
    /// `variables` are for sources that read the build's environment, such as the commit that a bundle names.
    ///
    /// The compiler's own target is used and not musl's, which would have to be downloaded first. It is named all the
    /// same: only then do the flags spare build scripts and procedural macros, which cannot be static.
    pub fn build(&self, package: &str, variables: &[(&str, &str)]) -> Result<PathBuf> {
        let host = Compiler::of(&self.root)?;
        ensure!(
            host.triple.contains("-linux-"),
            "an image needs a program for Linux, and this is {}: use the Dockerfile, or give one with --binary",
            host.triple
        );
        if host.triple.contains("-gnu") {
            static_library(&stdout(Command::new("cc").arg("-print-file-name=libc.a"))?)?;
            resolves_names(&stdout(Command::new("getconf").arg("GNU_LIBC_VERSION"))?)?;
        }
        let status = Command::new(cargo())
            .args(["build", "--release", "--locked", "--package", package, "--bin", package])
            .args(["--target", &host.triple])
            .current_dir(&self.root)
            .envs(variables.iter().copied())
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(&host)?)
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "{package} could not be built");
        Ok(self.target.join(&host.triple).join("release").join(package))
    }

    /// Static, and with no folder of this machine in its messages. Where folders are in each other, the last one wins.
    fn flags(&self, host: &Compiler) -> Result<OsString> {
        let std_sources = host.sysroot.join("lib/rustlib/src/rust");
        let folders = [
            (cargo_home()?, Path::new("/cargo")),
            (std_sources, &Path::new("/rustc").join(&host.commit)),
            (self.root.clone(), Path::new("/serin")),
            (self.intermediate.clone(), Path::new("/target")),
            (self.target.clone(), Path::new("/target")),
        ];
        let mut flags = OsString::from(["-C", "target-feature=+crt-static"].join(SEPARATOR));
        for (folder, name) in folders {
            flags.push([SEPARATOR, "--remap-path-prefix="].concat());
            flags.push(folder);
            flags.push("=");
            flags.push(name);
        }
        Ok(flags)
    }
}

struct Compiler {
    /// The target that it was built for.
    triple: String,
    commit: String,
    sysroot: PathBuf,
}

impl Compiler {
    /// The one that the checkout asks for.
    fn of(root: &Path) -> Result<Self> {
        let rustc =
            |argument: &str| stdout(Command::new("rustc").args(argument.split(' ')).current_dir(root));
        let version = rustc("--version --verbose")?;
        let property = |name: &str| {
            let value = version.lines().find_map(|line| line.strip_prefix(name));
            value
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("rustc --version tells no {name}"))
        };
        Ok(Self {
            triple: property("host:")?,
            commit: property("commit-hash:")?,
            sysroot: rustc("--print sysroot")?.into(),
        })
    }
}

/// The cargo that runs this, if one does.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo_home() -> Result<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("neither CARGO_HOME nor HOME is set")
}

/// Refuses what a C compiler answers that knows no such library: the bare name.
fn static_library(answer: &str) -> Result<()> {
    ensure!(
        Path::new(answer).is_absolute(),
        "there is no libc.a to build a static program with: install it \
         (Debian, Ubuntu: apt-get install libc6-dev; Fedora: dnf install glibc-static)"
    );
    Ok(())
}

/// Refuses a glibc that loads its resolver at run time, from files that are not in the image: the operator calls the
/// API server by name.
fn resolves_names(version: &str) -> Result<()> {
    let numbers = version.rsplit_once(' ').and_then(|(_, numbers)| numbers.split_once('.'));
    let (major, minor) =
        numbers.with_context(|| format!("getconf tells no version of glibc, but `{version}`"))?;
    ensure!(
        (major.parse::<u32>()?, minor.parse::<u32>()?) >= (2, 34),
        "{version} cannot resolve names in a static program, and 2.34 can: \
         build on a newer system, use the Dockerfile, or give a build of the operator with --binary"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_static_library_is_told_with_the_remedy() {
        static_library("/usr/lib/gcc/x86_64-linux-gnu/14/../../../x86_64-linux-gnu/libc.a").unwrap();
        let message = static_library("libc.a").unwrap_err().to_string();
        assert!(message.contains("libc6-dev") && message.contains("glibc-static"), "{message}");
    }

    #[test]
    fn a_library_that_cannot_resolve_names_is_refused() {
        for version in ["glibc 2.34", "glibc 2.36", "glibc 3.0"] {
            resolves_names(version).unwrap();
        }
        let message = resolves_names("glibc 2.31").unwrap_err().to_string();
        assert!(message.starts_with("glibc 2.31 cannot resolve names"), "{message}");
        assert!(resolves_names("undefined").unwrap_err().to_string().contains("`undefined`"));
    }

    #[test]
    fn no_folder_of_the_machine_is_left_in_the_flags() {
        let root = PathBuf::from("/home/me/my serin");
        let target = root.join("target");
        let workspace = Workspace { root, intermediate: target.clone(), target };
        let compiler =
            Compiler { triple: String::new(), commit: "c0ffee".to_owned(), sysroot: "/rust".into() };
        let flags = workspace.flags(&compiler).unwrap().into_string().unwrap();
        let flags: Vec<_> = flags.split(SEPARATOR).collect();
        assert_eq!(flags[..2], ["-C", "target-feature=+crt-static"]);
        assert!(
            flags[2].starts_with("--remap-path-prefix=/") && flags[2].ends_with("=/cargo"),
            "{}",
            flags[2]
        );
        assert_eq!(
            flags[3..],
            [
                "--remap-path-prefix=/rust/lib/rustlib/src/rust=/rustc/c0ffee",
                "--remap-path-prefix=/home/me/my serin=/serin",
                "--remap-path-prefix=/home/me/my serin/target=/target",
                "--remap-path-prefix=/home/me/my serin/target=/target",
            ]
        );
    }

    #[test]
    fn the_compiler_of_this_checkout_is_known() {
        let compiler = Compiler::of(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(compiler.triple.starts_with(env::consts::ARCH), "{}", compiler.triple);
        assert!(compiler.sysroot.is_dir(), "{}", compiler.sysroot.display());
    }
}
