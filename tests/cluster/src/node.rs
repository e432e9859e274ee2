//! A real node: containers, their network and their files, in namespaces of their own on this machine.
//!
//! Outside of the namespaces a [`Node`] is a child process to wait for. It runs this program again, inside of
//! them, which starts the cluster there and then the caller's command.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, Nodes};
use crate::components::{Identity, Layout};
use crate::folder::Folder;
use crate::gateway;
use crate::kit::Kit;
use crate::processes::Processes;

mod cgroups;
mod containerd;
mod dns;
mod inside;
mod kubelet;
mod mounts;
mod network;
mod outside;
mod preflight;
mod proxy;

pub use containerd::load;
pub use inside::init;
pub use outside::Node;
pub use preflight::{Impossible, check};

/// The node's name in the cluster.
pub const NAME: &str = "node";
/// Where the node is, for its pods and for the command.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// Holds a pod's namespaces open; also good for pods that need not do anything.
pub const PAUSE_IMAGE: &str = "localhost/pause:1";

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the cluster keeps its files, which then stay; by default a temporary folder that does not.
    pub dir: Option<PathBuf>,
    /// OCI archives of images that pods can use from the start.
    pub images: Vec<PathBuf>,
    /// Install the Gateway API; not by default, since gateways bring the one they were made for.
    pub gateway_api: bool,
    /// Install Envoy Gateway, with the Gateway API it was made for, and a Gateway.
    pub gateway: bool,
}

fn kit(options: &Options) -> Result<Kit> {
    if options.gateway { Kit::with_gateway() } else { Kit::with_node() }
}

/// Starts the cluster, in a process that [`Node`] has started in namespaces of its own.
pub fn start_inside(options: Options) -> Result<Cluster> {
    let started = Instant::now();
    let folder = options.dir.clone().context("the node has been given no folder")?;
    inside::arrange(&folder).context("arranging the namespaces of the node")?;
    let kit = kit(&options)?;
    let node = Joining { options, started };
    Cluster::start_in(Folder::Kept(folder), &kit, &node)
}

/// What another shell runs to be where the cluster is.
pub fn way_in(cluster: &Cluster) -> Result<String> {
    inside::way_in(cluster)
}

struct Joining {
    options: Options,
    started: Instant,
}

impl Joining {
    fn tell(&self, what: &str) {
        eprintln!("cluster: {what} after {:.1} s", self.started.elapsed().as_secs_f32());
    }
}

impl Nodes for Joining {
    fn identities(&self) -> &[Identity] {
        &[Identity::Kubelet, Identity::KubeProxy, Identity::Dns]
    }

    fn host(&self) -> Option<Ipv4Addr> {
        Some(ADDRESS)
    }

    fn prepare(&self, layout: &Layout, processes: &mut Processes) -> Result<()> {
        inside::link_program(&layout.folder)?;
        containerd::start(layout, processes)?;
        let mut images = vec![layout.kit.pause_image()?];
        if self.options.gateway {
            images.extend(layout.kit.gateway_images()?);
        }
        containerd::importer(layout)(&images)?;
        self.tell("containerd has its images");
        Ok(())
    }

    fn join(&self, cluster: &mut Cluster) -> Result<()> {
        self.tell("the API server answers");
        // Only the command has a use for these.
        let (import, archives) = (containerd::importer(&cluster.layout), self.options.images.clone());
        let images = std::thread::spawn(move || import(&archives));
        cluster.processes.start("kubelet", &mut kubelet::command(&cluster.layout)?)?;
        cluster.processes.start("kube-proxy", &mut proxy::command(&cluster.layout))?;
        cluster.kubectl_with_input(&["apply", "-f", "-"], dns::RIGHTS)?;
        cluster.processes.start("coredns", &mut dns::command(&cluster.layout)?)?;
        if self.options.gateway_api {
            cluster.install_gateway_api()?;
        }
        if self.options.gateway {
            gateway::install(cluster)?;
            self.tell("Envoy Gateway is installed");
        }
        let ready =
            ["get", "nodes", "-o", r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#];
        cluster.wait_for("kubelet", &ready, |answer| answer == "True")?;
        cluster.wait_until("kube-proxy", |_| connect(Layout::SERVICE_ADDRESS, 443))?;
        cluster.wait_until("coredns", |_| connect(ADDRESS, dns::PORT))?;
        self.tell("the node is ready");
        if self.options.gateway {
            let address = gateway::wait(cluster)?;
            cluster.environment.push((gateway::ADDRESS, address.to_string().into()));
            self.tell("the Gateway answers");
        }
        images.join().unwrap_or_else(|_| bail!("the import of images has panicked"))
    }

    fn environment(&self, layout: &Layout) -> Vec<(&'static str, OsString)> {
        let mut environment = containerd::environment(layout);
        environment.push(("SERIN_NODE_DIR", layout.folder.clone().into()));
        environment
    }
}

fn connect(address: Ipv4Addr, port: u16) -> Result<()> {
    let address = SocketAddr::from((address, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).with_context(|| address.to_string())?;
    Ok(())
}
