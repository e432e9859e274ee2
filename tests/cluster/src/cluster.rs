//! One running control plane: started in order, used through its files, gone when dropped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::components::{Identity, Layout};
use crate::kit::Kit;
use crate::kubeconfig::Kubeconfig;
use crate::pki::{Pki, random_token};
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

/// A control plane of this process: it ends with the value, and with the process.
pub struct Cluster {
    // Before the folder: the programs end, then their files go.
    processes: Processes,
    folder: Folder,
    kit: Kit,
    url: String,
    ca_pem: String,
    admin_token: String,
}

enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

impl Cluster {
    /// Starts a cluster and waits until it is of use: nodes ready, ServiceAccounts made, Gateway API known.
    pub fn start(options: Options) -> Result<Self> {
        let kit = Kit::ready()?;
        let mut attempt = 1;
        loop {
            match Self::start_once(&kit, &options) {
                Err(error)
                    if attempt < ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    fn start_once(kit: &Kit, options: &Options) -> Result<Self> {
        let folder = match &options.dir {
            Some(dir) => Folder::Kept(emptied(dir)?),
            None => Folder::Temporary(tempfile::Builder::new().prefix("serin-cluster-").tempdir()?),
        };
        let [etcd_port, etcd_peer_port, api_port] = ports::free()?;
        let layout = Layout { kit, folder: folder.path(), etcd_port, etcd_peer_port, api_port };
        let remove = matches!(folder, Folder::Temporary(_)).then(|| folder.path());
        let mut processes = Processes::new(&folder.path().join("logs"), remove)?;

        let url = format!("https://127.0.0.1:{api_port}");
        let (ca_pem, admin_token) = write_credentials(&layout, &url)?;
        fs::write(layout.audit_policy(), include_str!("../manifests/audit-policy.yaml"))?;

        // The API server waits for etcd by itself; the others give up on an API server that is not there.
        processes.start("etcd", &mut layout.etcd())?;
        processes.start("kube-apiserver", &mut layout.apiserver(&audit_log(folder.path())))?;
        let mut cluster = Self { processes, folder, kit: kit.clone(), url, ca_pem, admin_token };
        cluster.wait_for("kube-apiserver", &["get", "--raw", "/readyz"], |answer| answer == "ok")?;
        cluster.start_controllers(&options.stages, (etcd_port, etcd_peer_port, api_port))?;
        cluster.furnish()?;
        Ok(cluster)
    }

    fn start_controllers(&mut self, stages: &[PathBuf], ports: (u16, u16, u16)) -> Result<()> {
        let (etcd_port, etcd_peer_port, api_port) = ports;
        let folder = self.folder.path();
        let layout = Layout { kit: &self.kit, folder, etcd_port, etcd_peer_port, api_port };
        let configurations = kwok_configurations(&self.kit, folder, stages)?;
        self.processes.start("kube-controller-manager", &mut layout.controller_manager())?;
        self.processes.start("kube-scheduler", &mut layout.scheduler())?;
        self.processes.start("kwok", &mut layout.kwok(&configurations))
    }

    /// Makes what every test expects of a cluster, and waits for what the controllers make by themselves.
    fn furnish(&mut self) -> Result<()> {
        self.kubectl_with_input(&["create", "-f", "-"], include_str!("../manifests/nodes.yaml"))?;
        // Server-side: their size is beyond what client-side apply can keep in an annotation.
        let definitions = self.kit.gateway_api();
        self.kubectl(&["apply", "--server-side", "-f", &definitions.to_string_lossy()])?;
        self.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])?;
        self.wait_for(
            "kube-controller-manager",
            &["get", "serviceaccount", "default", "-o", "name"],
            |answer| !answer.is_empty(),
        )?;
        let ready =
            ["get", "nodes", "-o", r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#];
        self.wait_for("kwok", &ready, |answer| answer == "True True")?;
        // Pods of the first second would not be placed while a node still carries this.
        let taints = ["get", "nodes", "-o", "jsonpath={.items[*].spec.taints}"];
        self.wait_for("kube-controller-manager", &taints, str::is_empty)
    }

    /// Asks until the answer is right; `responsible` is the program whose log tells why it never is.
    fn wait_for(&mut self, responsible: &str, question: &[&str], right: fn(&str) -> bool) -> Result<()> {
        let started = Instant::now();
        loop {
            self.check()?;
            let answer = self.kubectl(question);
            if answer.as_deref().is_ok_and(|answer| right(answer.trim())) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let tail = self.processes.tail(responsible);
                bail!("`kubectl {}` answers {answer:?}; {responsible} says:\n{tail}", question.join(" "));
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
        &self.ca_pem
    }

    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// One JSON event a line: whole bodies of writes to what a rollout is made of, metadata of the rest.
    pub fn audit_log(&self) -> PathBuf {
        audit_log(self.dir())
    }

    /// The output of `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler` or `kwok`.
    pub fn log(&self, program: &str) -> PathBuf {
        self.processes.log(program)
    }

    /// A program of the kit, such as `helm` or `kubectl`.
    pub fn bin(&self, name: &str) -> PathBuf {
        self.kit.bin(name)
    }

    pub fn bin_dir(&self) -> PathBuf {
        self.kit.bin_folder()
    }

    pub fn dir(&self) -> &Path {
        self.folder.path()
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
        let mut path = vec![self.bin_dir()];
        path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        // kubectl remembers what a server offers by its port, which was another cluster's yesterday.
        command.env("KUBECACHEDIR", self.dir().join("kubectl-cache"));
        command.env("KUBECONFIG", self.kubeconfig()).env("SERIN_AUDIT_LOG", self.audit_log())
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

fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// A folder of the caller's may hold an earlier cluster; its keys are gone, so its data is of no use.
fn emptied(dir: &Path) -> Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    for stale in ["etcd", "kubectl-cache"] {
        let _ = fs::remove_dir_all(dir.join(stale));
    }
    let _ = fs::remove_file(audit_log(&dir));
    Ok(dir)
}

fn write_credentials(layout: &Layout<'_>, url: &str) -> Result<(String, String)> {
    let pki = Pki::generate()?;
    fs::create_dir_all(layout.folder.join("pki"))?;
    fs::write(layout.ca(), &pki.ca_pem)?;
    fs::write(layout.server_certificate(), &pki.server_pem)?;
    fs::write(layout.server_key(), &pki.server_key_pem)?;
    fs::write(layout.token_key(), &pki.token_key_pem)?;
    fs::write(layout.token_public_key(), &pki.token_public_pem)?;

    let ca_file = layout.ca();
    let mut table = String::new();
    let mut admin_token = String::new();
    for identity in Identity::ALL {
        let (token, user, group) = (random_token()?, identity.user(), identity.group());
        table.push_str(&format!("{token},{user},{user},\"{group}\"\n"));
        Kubeconfig { url, ca_file: &ca_file, token: &token, namespace: "default" }
            .write(&identity.kubeconfig(layout.folder))?;
        if identity == Identity::Admin {
            admin_token = token;
        }
    }
    fs::write(layout.tokens(), table)?;
    Ok((pki.ca_pem, admin_token))
}

fn kwok_configurations(kit: &Kit, folder: &Path, extra: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let (options, behaviour) = (folder.join("kwok.yaml"), folder.join("kwok-behaviour.yaml"));
    fs::write(&options, include_str!("../manifests/kwok.yaml"))?;
    fs::write(&behaviour, include_str!("../stages/behaviour.yaml"))?;
    let mut files = vec![options, behaviour];
    for entry in fs::read_dir(kit.kwok_stages())? {
        files.push(entry?.path());
    }
    files.extend_from_slice(extra);
    Ok(files)
}
