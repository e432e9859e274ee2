//! Nodes that only say that they are: kwok answers for them, and for the pods on them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cluster::{Cluster, Nodes};
use crate::components::{Identity, Layout};
use crate::processes::Processes;

pub(crate) struct Kwok<'a> {
    /// Stage files beside the kit's own.
    pub stages: &'a [PathBuf],
}

impl Nodes for Kwok<'_> {
    fn identities(&self) -> &[Identity] {
        &[Identity::Kwok]
    }

    fn prepare(&self, _layout: &Layout, _processes: &mut Processes) -> Result<()> {
        Ok(())
    }

    fn join(&self, cluster: &mut Cluster) -> Result<()> {
        let configurations = self.configurations(&cluster.layout)?;
        cluster.processes.start("kwok", &mut command(&cluster.layout, &configurations))?;
        cluster.kubectl_with_input(&["create", "-f", "-"], include_str!("../manifests/nodes.yaml"))?;
        cluster.install_gateway_api()?;
        let ready =
            ["get", "nodes", "-o", r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#];
        cluster.wait_for("kwok", &ready, |answer| answer == "True True")
    }
}

impl Kwok<'_> {
    fn configurations(&self, layout: &Layout) -> Result<Vec<PathBuf>> {
        let (options, behaviour) =
            (layout.folder.join("kwok.yaml"), layout.folder.join("kwok-behaviour.yaml"));
        fs::write(&options, include_str!("../manifests/kwok.yaml"))?;
        fs::write(&behaviour, include_str!("../stages/behaviour.yaml"))?;
        let mut files = vec![options, behaviour];
        for entry in fs::read_dir(layout.kit.kwok_stages())? {
            files.push(entry?.path());
        }
        files.extend_from_slice(self.stages);
        Ok(files)
    }
}

fn command(layout: &Layout, configurations: &[PathBuf]) -> Command {
    let mut kwok = Command::new(layout.kit.bin("kwok"));
    // Elsewhere lies the configuration of the user's own kwok.
    kwok.env("KWOK_WORKDIR", &layout.folder);
    kwok.arg("--kubeconfig").arg(Identity::Kwok.kubeconfig(&layout.folder));
    for configuration in configurations {
        kwok.arg("--config").arg(configuration);
    }
    kwok
}
