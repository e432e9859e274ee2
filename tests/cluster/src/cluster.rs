//! One running cluster: a control plane and its nodes, used through its files, gone when dropped.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::components::{Identity, Layout};
use crate::credentials::{self, Credentials};
use crate::folder::Folder;
use crate::kit::Kit;
use crate::kubeconfig::Kubeconfig;
use crate::kwok::Kwok;
use crate::ports;
use crate::processes::Processes;

/// A loaded machine takes its time; one that needs more has another problem.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// Ports are free when looked for and may be taken when used.
const ATTEMPTS: usize = 3;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the cluster keeps its files, which then stay; by default a temporary folder that does not.
    pub dir: Option<PathBuf>,
    /// kwok Stage files beside the kit's own (`stages/behaviour.yaml`).
    pub stages: Vec<PathBuf>,
}

/// What makes a cluster of a control plane: something that runs pods, or says so.
pub(crate) trait Nodes {
    /// Who speaks to the API server for them.
    fn identities(&self) -> &[Identity];

    /// Where pods find the API server, if there are any.
    fn host(&self) -> Option<Ipv4Addr> {
        None
    }

    /// Starts what needs no API server, while that starts.
    fn prepare(&self, layout: &Layout, processes: &mut Processes) -> Result<()>;

    /// Starts the rest, and waits until pods can run.
    fn join(&self, cluster: &mut Cluster) -> Result<()>;

    /// What a command that uses the cluster finds in its environment, beside what is set for all.
    fn environment(&self, _layout: &Layout) -> Vec<(&'static str, OsString)> {
        Vec::new()
    }
}

/// A cluster of this process: it ends with the value, and with the process.
pub struct Cluster {
    // Before the folder: the programs end, then their files go.
    pub(crate) processes: Processes,
    pub(crate) layout: Layout,
    url: String,
    credentials: Credentials,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    _folder: Folder,
}

impl Cluster {
    /// Starts a cluster and waits until it is of use: nodes ready, ServiceAccounts made, Gateway API known.
    pub fn start(options: Options) -> Result<Self> {
        let kit = Kit::ready()?;
        let mut attempt = 1;
        loop {
            let folder = Folder::new(options.dir.as_deref())?;
            match Self::start_in(folder, &kit, &Kwok { stages: &options.stages }) {
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    pub(crate) fn start_in(folder: Folder, kit: &Kit, nodes: &dyn Nodes) -> Result<Self> {
        let [etcd_port, etcd_peer_port, api_port] = ports::free()?;
        let layout = Layout {
            kit: kit.clone(),
            folder: folder.path().to_path_buf(),
            etcd_port,
            etcd_peer_port,
            api_port,
            host: nodes.host(),
        };
        let mut processes = Processes::new(&layout.folder.join("logs"), folder.temporary())?;
        let credentials = credentials::write(&layout, nodes.identities())?;
        fs::write(layout.audit_policy(), include_str!("../manifests/audit-policy.yaml"))?;

        // The API server waits for etcd by itself; the others give up on an API server that is not there.
        processes.start("etcd", &mut layout.etcd())?;
        processes.start("kube-apiserver", &mut layout.apiserver())?;
        nodes.prepare(&layout, &mut processes)?;
        let (url, environment) = (layout.url(), nodes.environment(&layout));
        let mut cluster = Self { processes, layout, url, credentials, environment, _folder: folder };
        cluster.wait_for("kube-apiserver", &["get", "--raw", "/readyz"], |answer| answer == "ok")?;
        cluster.processes.start("kube-controller-manager", &mut cluster.layout.controller_manager())?;
        cluster.processes.start("kube-scheduler", &mut cluster.layout.scheduler())?;
        nodes.join(&mut cluster)?;
        cluster.wait_for_controllers()?;
        Ok(cluster)
    }

    /// Waits for what the controllers make by themselves, and every pod needs.
    fn wait_for_controllers(&mut self) -> Result<()> {
        self.wait_for(
            "kube-controller-manager",
            &["get", "serviceaccount", "default", "-o", "name"],
            |answer| !answer.is_empty(),
        )?;
        // Pods of the first second would not be placed while a node still carries this.
        let taints = ["get", "nodes", "-o", "jsonpath={.items[*].spec.taints}"];
        self.wait_for("kube-controller-manager", &taints, str::is_empty)
    }

    pub(crate) fn install_gateway_api(&self) -> Result<()> {
        let definitions = self.layout.kit.gateway_api();
        // Server-side: their size is beyond what client-side apply can keep in an annotation.
        self.kubectl(&["apply", "--server-side", "-f", &definitions.to_string_lossy()])?;
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
        Ok(())
    }

    /// Asks until the answer is right; `responsible` is the program whose log tells why it never is.
    pub(crate) fn wait_for(
        &mut self,
        responsible: &str,
        question: &[&str],
        right: fn(&str) -> bool,
    ) -> Result<()> {
        self.wait_until(responsible, |cluster| match cluster.kubectl(question) {
            Ok(answer) if right(answer.trim()) => Ok(()),
            other => bail!("`kubectl {}` answers {other:?}", question.join(" ")),
        })
    }

    /// Tries until it succeeds.
    pub(crate) fn wait_until(
        &mut self,
        responsible: &str,
        attempt: impl Fn(&Self) -> Result<()>,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            self.check()?;
            let Err(error) = attempt(self) else { return Ok(()) };
            if started.elapsed() > PATIENCE {
                let tail = self.processes.tail(responsible);
                bail!("{error:#}; {responsible} says:\n{tail}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        Identity::Admin.kubeconfig(self.dir())
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn ca_pem(&self) -> &str {
        &self.credentials.ca_pem
    }

    pub fn admin_token(&self) -> &str {
        &self.credentials.admin_token
    }

    /// One JSON event a line: whole bodies of writes to what a rollout is made of, metadata of the rest.
    pub fn audit_log(&self) -> PathBuf {
        self.layout.audit_log()
    }

    /// The output of `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kwok`, `kubelet`…
    pub fn log(&self, program: &str) -> PathBuf {
        self.processes.log(program)
    }

    /// A program of the kit, such as `helm` or `kubectl`.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.layout.kit.bin(name)
    }

    pub fn bin_dir(&self) -> PathBuf {
        self.layout.kit.bin_folder()
    }

    pub fn dir(&self) -> &Path {
        &self.layout.folder
    }

    pub fn pids(&self) -> Vec<u32> {
        self.processes.pids()
    }

    /// Fails when a program of the cluster has ended.
    pub fn check(&mut self) -> Result<()> {
        self.processes.check()
    }

    /// Makes a command use this cluster: its address, its programs, and a cache apart from other clusters.
    pub fn configure<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let mut path = vec![self.dir().join("bin")];
        path.extend(self.layout.kit.bin_folders());
        path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        // kubectl remembers what a server offers by its port, which was another cluster's yesterday.
        command.env("KUBECACHEDIR", self.dir().join("kubectl-cache"));
        command.env("KUBECONFIG", self.kubeconfig()).env("SERIN_AUDIT_LOG", self.audit_log());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)))
    }

    /// Runs kubectl as the administrator and answers what it prints.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.kubectl_with_input(args, "")
    }

    /// The same with something to read: `kubectl_with_input(&["apply", "-f", "-"], manifest)`.
    pub fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(self.bin("kubectl"));
        self.configure(&mut command).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("kubectl does not start")?;
        let pipe = child.stdin.take();
        // From another thread: kubectl may print before it has read everything.
        let output = std::thread::scope(|scope| {
            // A kubectl that reads nothing closes its end, which is no failure.
            scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
            child.wait_with_output()
        })?;
        if !output.status.success() {
            bail!("kubectl {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A kubeconfig that acts as a ServiceAccount, with a token as pods get them, valid for a day.
    pub fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let token = self.kubectl(&["create", "token", name, "--namespace", namespace, "--duration=24h"])?;
        let path = self.dir().join(format!("serviceaccount-{namespace}-{name}.kubeconfig"));
        let ca_file = self.dir().join("pki/ca.crt");
        Kubeconfig { url: &self.url, ca_file: &ca_file, token: token.trim(), namespace }.write(&path)?;
        Ok(path)
    }
}
