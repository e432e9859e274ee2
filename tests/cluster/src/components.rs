//! The command line of each program of the control plane.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::Kit;

/// Where one cluster keeps its files and listens.
pub(crate) struct Layout {
    pub kit: Kit,
    pub folder: PathBuf,
    pub etcd_port: u16,
    pub etcd_peer_port: u16,
    pub api_port: u16,
    /// Where pods find the API server, and it their kubelet; without it the cluster has neither.
    pub host: Option<Ipv4Addr>,
}

/// The identities that read a kubeconfig; each has its own name, so that the audit log tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Admin,
    ControllerManager,
    Scheduler,
    Kwok,
    Kubelet,
    KubeProxy,
    Dns,
}

impl Identity {
    pub(crate) const CONTROL_PLANE: [Self; 3] = [Self::Admin, Self::ControllerManager, Self::Scheduler];

    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            // These have their roles in every cluster, by these names.
            Self::ControllerManager => "system:kube-controller-manager",
            Self::Scheduler => "system:kube-scheduler",
            Self::Kubelet => "system:node:node",
            Self::KubeProxy => "system:kube-proxy",
            Self::Kwok => "kwok",
            Self::Dns => "coredns",
        }
    }

    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Admin | Self::Kwok => "system:masters",
            Self::Kubelet => "system:nodes",
            Self::ControllerManager | Self::Scheduler | Self::KubeProxy | Self::Dns => "system:authenticated",
        }
    }

    pub(crate) fn kubeconfig(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Admin => "kubeconfig",
            Self::ControllerManager => "kube-controller-manager.kubeconfig",
            Self::Scheduler => "kube-scheduler.kubeconfig",
            Self::Kwok => "kwok.kubeconfig",
            Self::Kubelet => "kubelet.kubeconfig",
            Self::KubeProxy => "kube-proxy.kubeconfig",
            Self::Dns => "coredns.kubeconfig",
        })
    }
}

impl Layout {
    /// The API server, as pods know it: the first address of the Services' range.
    pub(crate) const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
    const SERVICE_RANGE: &str = "10.96.0.0/16";

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.folder.join("audit.log")
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("pki/ca.crt")
    }

    pub(crate) fn server_certificate(&self) -> PathBuf {
        self.folder.join("pki/server.crt")
    }

    pub(crate) fn server_key(&self) -> PathBuf {
        self.folder.join("pki/server.key")
    }

    pub(crate) fn kubelet_certificate(&self) -> PathBuf {
        self.folder.join("pki/kubelet.crt")
    }

    pub(crate) fn kubelet_key(&self) -> PathBuf {
        self.folder.join("pki/kubelet.key")
    }

    pub(crate) fn kubelet_client_certificate(&self) -> PathBuf {
        self.folder.join("pki/kubelet-client.crt")
    }

    pub(crate) fn kubelet_client_key(&self) -> PathBuf {
        self.folder.join("pki/kubelet-client.key")
    }

    pub(crate) fn token_key(&self) -> PathBuf {
        self.folder.join("pki/serviceaccounts.key")
    }

    pub(crate) fn token_public_key(&self) -> PathBuf {
        self.folder.join("pki/serviceaccounts.pub")
    }

    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder.join("pki/tokens.csv")
    }

    pub(crate) fn audit_policy(&self) -> PathBuf {
        self.folder.join("audit-policy.yaml")
    }

    pub(crate) fn etcd(&self) -> Command {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        let mut etcd = Command::new(self.kit.bin("etcd"));
        etcd.arg("--data-dir").arg(self.folder.join("etcd"));
        etcd.args([
            // Nothing has to survive a power cut.
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
            "--log-level=warn",
            "--name=default",
        ]);
        etcd.arg(format!("--listen-client-urls={client}")).arg(format!("--advertise-client-urls={client}"));
        etcd.arg(format!("--listen-peer-urls={peer}")).arg(format!("--initial-advertise-peer-urls={peer}"));
        etcd.arg(format!("--initial-cluster=default={peer}"));
        etcd
    }

    pub(crate) fn apiserver(&self) -> Command {
        let mut apiserver = Command::new(self.kit.bin("kube-apiserver"));
        apiserver.arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port));
        apiserver.arg(format!("--secure-port={}", self.api_port));
        apiserver.args([
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            // In the log before the answer is sent: what a client has seen, the log has.
            "--audit-log-mode=blocking-strict",
            // One file, whatever its size.
            "--audit-log-maxsize=0",
        ]);
        apiserver.arg(format!("--service-cluster-ip-range={}", Self::SERVICE_RANGE));
        apiserver.arg("--audit-policy-file").arg(self.audit_policy());
        apiserver.arg("--audit-log-path").arg(self.audit_log());
        apiserver.arg("--tls-cert-file").arg(self.server_certificate());
        apiserver.arg("--tls-private-key-file").arg(self.server_key());
        apiserver.arg("--token-auth-file").arg(self.tokens());
        apiserver.arg("--service-account-key-file").arg(self.token_public_key());
        apiserver.arg("--service-account-signing-key-file").arg(self.token_key());
        match self.host {
            Some(host) => self.reachable(&mut apiserver, host),
            None => apiserver.args([
                "--bind-address=127.0.0.1",
                // Without these it looks for an address that others can reach, and fails where there is none.
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
            ]),
        };
        apiserver
    }

    fn reachable<'a>(&self, apiserver: &'a mut Command, host: Ipv4Addr) -> &'a mut Command {
        apiserver.arg("--bind-address=0.0.0.0").arg(format!("--advertise-address={host}"));
        // A kubelet may write what is its own and no more, as in every cluster that is set up well.
        apiserver.arg("--enable-admission-plugins=NodeRestriction");
        apiserver.arg("--kubelet-preferred-address-types=InternalIP");
        apiserver.arg("--kubelet-certificate-authority").arg(self.ca());
        apiserver.arg("--kubelet-client-certificate").arg(self.kubelet_client_certificate());
        apiserver.arg("--kubelet-client-key").arg(self.kubelet_client_key())
    }

    pub(crate) fn controller_manager(&self) -> Command {
        let mut manager = Command::new(self.kit.bin("kube-controller-manager"));
        manager.arg("--kubeconfig").arg(Identity::ControllerManager.kubeconfig(&self.folder));
        manager.arg("--root-ca-file").arg(self.ca());
        manager.arg("--service-account-private-key-file").arg(self.token_key());
        manager.args(["--use-service-account-credentials=true"]);
        // A busy machine is late with heartbeats, and must not evict pods for it.
        manager.args(["--node-monitor-grace-period=600s"]);
        manager.args(UNHURRIED).arg(UNSERVED).arg(UNELECTED);
        manager
    }

    pub(crate) fn scheduler(&self) -> Command {
        let mut scheduler = Command::new(self.kit.bin("kube-scheduler"));
        scheduler.arg("--kubeconfig").arg(Identity::Scheduler.kubeconfig(&self.folder));
        scheduler.args(UNHURRIED).arg(UNSERVED).arg(UNELECTED);
        scheduler
    }
}

/// The default of 20 requests a second is what a benchmark would measure: 300 ReplicaSets take a minute.
const UNHURRIED: [&str; 2] = ["--kube-api-qps=1000", "--kube-api-burst=2000"];
/// One port less to find: nobody asks these programs anything.
const UNSERVED: &str = "--secure-port=0";
/// There is only one of each, and waiting for a lease takes seconds.
const UNELECTED: &str = "--leader-elect=false";
