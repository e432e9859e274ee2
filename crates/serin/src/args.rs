//! The command line. What runs in a pod takes every flag as an environment variable too, in which an empty value counts
//! as none.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use serin_api::RolloutApi;
use serin_api::names::DEFAULT_GROUP;

/// Canary rollouts for Kubernetes, with the weights of Gateway API routes.
#[derive(Debug, Parser)]
#[command(name = "serin", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator.
    Operator(OperatorArgs),
    /// Print the CustomResourceDefinition as YAML.
    Crds(ApiArgs),
    /// Take the lease from the operator and remove its finalizer from every Rollout, as before it is uninstalled.
    /// Routes, Services and pods stay as they are.
    Release(ReleaseArgs),
    /// Ask a running operator whether it is ready.
    Probe(ProbeArgs),
    /// Say what a Rollout is doing, what it waits for, and what each command would do now. Writes nothing.
    Explain(ExplainArgs),
    /// Write everything that a decision about a Rollout is made from into one file, without anything confidential.
    Bundle(BundleArgs),
    /// Make the decision of a bundle again, without a cluster.
    Replay(ReplayArgs),
    /// Say what in the objects around a Rollout will not work, or may not do what it means: in a cluster, or in files.
    /// Writes nothing.
    Preflight(PreflightArgs),
    /// Show what a Rollout will do: its weights, pods, pauses and writes, moment by moment. Changes nothing, and asks no
    /// cluster unless told to.
    Plan(PlanArgs),
}

/// Flags of `serin operator`.
#[derive(Debug, Args)]
pub struct OperatorArgs {
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub scope: ScopeArgs,
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Wait for the lease before working, so that several replicas may run. Without it there must be only one.
    #[arg(
        long,
        env = "SERIN_LEADER_ELECT",
        default_value_t = true,
        action = ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub leader_elect: bool,
    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, env = "SERIN_ADMIN_ADDR", value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080")]
    pub admin_addr: SocketAddr,
    /// How many Rollouts are worked on at the same time.
    #[arg(
        long,
        env = "SERIN_CONCURRENCY",
        value_name = "NUMBER",
        default_value_t = 8,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub concurrency: u16,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `serin release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub api: ApiArgs,
    #[command(flatten)]
    pub scope: ScopeArgs,
    #[command(flatten)]
    pub lease: LeaseArgs,
    #[command(flatten)]
    pub log: LogArgs,
}

/// Flags of `serin probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// What to ask: an address that answers with 200 and without TLS.
    #[arg(long, env = "SERIN_URL", default_value = "http://127.0.0.1:8080/readyz")]
    pub url: http::Uri,
    /// For how many seconds to ask again while the answer is no.
    #[arg(long, env = "SERIN_TIMEOUT", value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
}

/// Flags of `serin explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub rollout: RolloutArgs,
    #[command(flatten)]
    pub print: PrintArgs,
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Flags of `serin plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The Rollout, where the files hold several or, with `--from live`, none.
    pub name: Option<String>,
    /// A file, a folder, or - for standard input. Services and routes in it are used, other objects are not.
    #[arg(long = "filename", short = 'f', value_name = "FILE")]
    pub files: Vec<std::path::PathBuf>,
    /// The image of the update; of which container, where there are several.
    #[arg(long, value_name = "[CONTAINER=]IMAGE")]
    pub image: Option<String>,
    /// Where to begin: in an empty cluster, with a first deploy and an update after it, or in the cluster as it is.
    #[arg(long, value_name = "WHERE", default_value = "empty")]
    pub from: PlanFrom,
    /// The form of the plan.
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    pub output: PlanOutput,
    /// The namespace. Unless given, the one that the Rollout names, else the one that the kubeconfig names.
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// How many seconds after its creation a pod is ready.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub pod_ready_seconds: u32,
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Flags of `serin preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// The Rollout; needed unless files hold exactly one.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// A file, a folder, or - for standard input: judge these manifests, and ask no cluster.
    #[arg(long = "filename", short = 'f', value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The namespace. Unless given, the one that the Rollout's manifest names, or the one of the kubeconfig's context or
    /// of this pod.
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// The form of what is printed.
    #[arg(long, short, value_name = "FORM", default_value = "text")]
    pub output: PrintForm,
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Flags of `serin bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// The file to write; standard output unless given.
    #[arg(short = 'o', long, env = "SERIN_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Flags of `serin replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The bundle; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub print: PrintArgs,
    /// Decide at another time than the bundle did, as in 2026-11-24T03:00:00Z.
    #[arg(long, env = "SERIN_AT", value_name = "TIME")]
    pub at: Option<Timestamp>,
}

/// One Rollout.
#[derive(Debug, Args)]
pub struct RolloutArgs {
    /// The name of the Rollout.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The namespace of the Rollout. Unless given, the one of the kubeconfig's context or of this pod.
    #[arg(short, long, env = "SERIN_NAMESPACE", value_name = "NAMESPACE")]
    namespace: Option<String>,
}

impl RolloutArgs {
    /// The namespace of the Rollout, where `default` is the client's own.
    pub fn namespace<'a>(&'a self, default: &'a str) -> &'a str {
        given(self.namespace.as_ref()).unwrap_or(default)
    }
}

/// How to print.
#[derive(Debug, Args)]
pub struct PrintArgs {
    /// The form of what is printed.
    #[arg(short, long, env = "SERIN_OUTPUT", value_name = "FORM", default_value = "text")]
    pub output: PrintForm,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrintForm {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Where a plan begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFrom {
    /// An empty cluster.
    Empty,
    /// The cluster of the kubeconfig, which is only read.
    Live,
}

/// The form of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// Which API group Rollouts belong to.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// The API group of Rollouts.
    #[arg(
        long,
        env = "SERIN_API_GROUP",
        value_name = "GROUP",
        default_value = DEFAULT_GROUP,
        value_parser = clap::builder::NonEmptyStringValueParser::new().try_map(api_group)
    )]
    pub api_group: String,
}

impl ApiArgs {
    /// The API group. The text is leaked: to be called once.
    pub fn api(&self) -> RolloutApi {
        RolloutApi::new(&self.api_group)
    }
}

/// Which Rollouts are worked on.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// Work only on the Rollouts of this namespace. All namespaces unless given.
    #[arg(long, env = "SERIN_NAMESPACE", value_name = "NAMESPACE")]
    namespace: Option<String>,
}

impl ScopeArgs {
    /// The only namespace to work in, or `None` for all of them.
    pub fn namespace(&self) -> Option<&str> {
        given(self.namespace.as_ref())
    }
}

/// Which Lease tells who leads.
#[derive(Debug, Args)]
pub struct LeaseArgs {
    /// The name of the Lease.
    #[arg(long, env = "SERIN_LEASE_NAME", value_name = "NAME", default_value = "serin")]
    pub lease_name: String,
    /// The namespace of the Lease. Unless given, the one that this pod is in or that the kubeconfig names.
    #[arg(long, env = "SERIN_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// The namespace that this pod is in, where it is not the one of its service account's files.
    #[arg(long, env = "POD_NAMESPACE", hide = true)]
    pod_namespace: Option<String>,
}

impl LeaseArgs {
    /// The namespace of the Lease, where `default` is the client's own.
    pub fn namespace<'a>(&'a self, default: &'a str) -> &'a str {
        given(self.lease_namespace.as_ref()).or(given(self.pod_namespace.as_ref())).unwrap_or(default)
    }
}

/// How to log.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The form of log lines, which go to standard error.
    #[arg(long, env = "SERIN_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// The lowest level that is logged: error, warn, info, debug or trace. Also one for each target, as in
    /// `info,serin=debug`.
    #[arg(long, env = "SERIN_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

/// The group becomes part of the CRD's name and of annotation keys, so it is checked as a DNS name here.
fn api_group(group: String) -> Result<String, &'static str> {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if group.len() <= 200 && group.contains('.') && group.split('.').all(label) {
        Ok(group)
    } else {
        Err("must be a domain name in lower case with at least one dot")
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn operator(flags: &[&str]) -> Result<OperatorArgs, clap::Error> {
        match Cli::try_parse_from(["serin", "operator"].iter().chain(flags))?.command {
            Command::Operator(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_what_runs_in_a_pod_has_an_environment_variable() {
        // What people type has none: a forgotten variable would change what they are told.
        let typed = ["plan", "preflight"];
        let definition = Cli::command();
        for command in definition.get_subcommands().filter(|command| !typed.contains(&command.get_name())) {
            for flag in command.get_arguments().filter(|flag| flag.get_long().is_some()) {
                let name = flag.get_long().unwrap();
                let expected = match name {
                    "pod-namespace" => "POD_NAMESPACE".to_owned(),
                    name => format!("SERIN_{}", name.replace('-', "_").to_uppercase()),
                };
                assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(expected.as_str()), "{name}");
            }
        }
    }

    /// The usage of the commands for people is in the documentation, word for word.
    #[test]
    fn the_documented_usage_is_the_real_one() {
        let page = include_str!("../../../docs/cli.md");
        for name in ["explain", "preflight", "bundle", "replay"] {
            let asked = Cli::command().term_width(100).try_get_matches_from(["serin", name, "--help"]);
            let usage = asked.unwrap_err().to_string();
            let usage: Vec<&str> = usage.lines().map(str::trim_end).collect();
            let usage = usage.join("\n");
            assert!(page.contains(usage.trim()), "docs/cli.md lacks this:\n{usage}");
        }
    }

    #[test]
    fn defaults() {
        let args = operator(&[]).unwrap();
        assert_eq!(args.api.api_group, "serin.dev");
        assert_eq!(args.admin_addr.to_string(), "0.0.0.0:8080");
        assert_eq!((args.concurrency, args.leader_elect), (8, true));
        assert_eq!((args.log.log_format, args.log.log_level.as_str()), (LogFormat::Text, "info"));
        assert_eq!(args.lease.lease_name, "serin");
        assert_eq!(args.lease.namespace("from-kubeconfig"), "from-kubeconfig");
        assert_eq!(args.scope.namespace(), None);
    }

    #[test]
    fn leader_election_can_be_named_and_switched_off() {
        assert!(operator(&["--leader-elect"]).unwrap().leader_elect);
        assert!(!operator(&["--leader-elect=false"]).unwrap().leader_elect);
    }

    #[test]
    fn an_empty_namespace_is_none() {
        let args = operator(&["--namespace=", "--lease-namespace=", "--pod-namespace=here"]).unwrap();
        assert_eq!(args.scope.namespace(), None);
        assert_eq!(args.lease.namespace("there"), "here");
    }

    #[test]
    fn api_groups_are_domain_names() {
        assert!(operator(&["--api-group=canary.example.com"]).is_ok());
        for wrong in ["", "nodot", "Upper.case", "a..b", "-a.b", "a.b/c"] {
            assert!(operator(&["--api-group", wrong]).is_err(), "{wrong}");
        }
        assert!(operator(&["--concurrency=0"]).is_err());
    }
}
