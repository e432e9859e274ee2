//! The control groups of a node: a group of its own in every hierarchy, all of it gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A group is busy for a moment after its last process has ended.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
/// What the kubelet gives out, where the second version of control groups has to be told.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
const INDISPENSABLE: [&str; 3] = ["cpu", "memory", "pids"];

/// Tells groups of one process apart: tests ask for several at once.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// One tree of control groups, as this process sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub mount: PathBuf,
    /// What it was mounted with: the controllers, of which version 2 names none.
    pub options: String,
    pub version: u8,
    /// The folder to make a group in.
    parent: PathBuf,
}

/// Removed when dropped, with the groups below.
pub(super) struct Cgroups(Vec<PathBuf>);

impl Cgroups {
    pub(super) fn create(name: &str) -> Result<Self> {
        let hierarchies = hierarchies()?;
        if hierarchies.is_empty() {
            bail!("no control groups are mounted below /sys/fs/cgroup");
        }
        let unified = hierarchies.iter().all(|hierarchy| hierarchy.version == 2);
        let name = format!("{name}-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut groups = Self(Vec::new());
        for hierarchy in &hierarchies {
            let group = hierarchy.parent.join(&name);
            remove(&group);
            make(&group)?;
            groups.0.push(group.clone());
            if unified {
                enable_controllers(&hierarchy.parent, &group)?;
            }
            make(&programs(&group))?;
        }
        Ok(groups)
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.0
    }

    /// Where the node's programs are. Not in the groups themselves: in version 2 a group with processes in it
    /// can have no others below, which is where pods go.
    pub(super) fn programs(&self) -> impl Iterator<Item = PathBuf> {
        self.0.iter().map(|group| programs(group))
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for group in &self.0 {
            remove(group);
        }
    }
}

/// All that are mounted and that this process is in.
pub(super) fn hierarchies() -> Result<Vec<Hierarchy>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
    let own = fs::read_to_string("/proc/self/cgroup").context("/proc/self/cgroup")?;
    Ok(parse(&mounts, &own))
}

fn parse(mounts: &str, own: &str) -> Vec<Hierarchy> {
    let mounts: Vec<_> = mounts.lines().filter_map(Mount::parse).collect();
    let found = own.lines().filter_map(|line| {
        // "4:memory:/some/group", and "0::/some/group" in version 2.
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let first = controllers.split(',').next()?;
        let mount = mounts.iter().find(|mount| match first {
            "" => mount.version == 2,
            _ => mount.version == 1 && mount.options.split(',').any(|option| option == first),
        })?;
        let parent = match mount.version {
            // Ours may have processes in it, the topmost may have both those and groups.
            2 => PathBuf::from(mount.place),
            _ => Path::new(mount.place)
                .join(group.strip_prefix(mount.root).unwrap_or(group).trim_start_matches('/')),
        };
        let options = match controllers.strip_prefix("name=") {
            Some(_) => format!("none,{controllers}"),
            None => controllers.to_owned(),
        };
        Some(Hierarchy { mount: PathBuf::from(mount.place), options, version: mount.version, parent })
    });
    found.collect()
}

/// A line of `/proc/self/mountinfo` that is about control groups.
struct Mount<'a> {
    /// The group that is seen at the place of the mount.
    root: &'a str,
    place: &'a str,
    version: u8,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, place) = (mount.next()?, mount.next()?);
        let mut system = system.split(' ');
        let version = match system.next()? {
            "cgroup" => 1,
            "cgroup2" => 2,
            _ => return None,
        };
        Some(Self {
            root: root.trim_end_matches('/'),
            place,
            version,
            options: system.nth(1).unwrap_or_default(),
        })
    }
}

fn programs(group: &Path) -> PathBuf {
    group.join("programs")
}

fn make(group: &Path) -> Result<()> {
    let advice = "a container has to be privileged";
    fs::create_dir(group).with_context(|| format!("the control group {} ({advice})", group.display()))?;
    // In version 1 a new group has neither, and no process can be in it.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let parent = group.parent().map(|parent| parent.join(file)).filter(|parent| parent.exists());
        if let Some(parent) = parent
            && fs::read_to_string(group.join(file)).is_ok_and(|value| value.trim().is_empty())
        {
            fs::write(group.join(file), fs::read(parent)?)
                .with_context(|| format!("{}/{file}", group.display()))?;
        }
    }
    Ok(())
}

/// Version 2: a group has the controllers that its parent hands down.
fn enable_controllers(parent: &Path, group: &Path) -> Result<()> {
    let available = || fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
    for controller in CONTROLLERS {
        if !available().split_whitespace().any(|known| known == controller) {
            // One the kernel does not have is none to complain about; see below.
            let _ = fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    let available = available();
    let missing: Vec<_> = INDISPENSABLE
        .into_iter()
        .filter(|name| !available.split_whitespace().any(|known| known == *name))
        .collect();
    if !missing.is_empty() {
        bail!("{} hands down no {} to its control groups", parent.display(), missing.join(", "));
    }
    Ok(())
}

fn remove(group: &Path) {
    let started = Instant::now();
    while group.exists() && started.elapsed() < PATIENCE {
        remove_once(group);
        if group.exists() {
            std::thread::sleep(PAUSE);
        }
    }
}

/// The deepest first. Their files are not to be removed, and go by themselves.
fn remove_once(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_once(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(mount: &str, options: &str, version: u8, parent: &str) -> Hierarchy {
        Hierarchy { mount: mount.into(), options: options.to_owned(), version, parent: parent.into() }
    }

    #[test]
    fn version_1_has_a_hierarchy_for_each_set_of_controllers() {
        let mounts = "\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 24 0:25 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
31 24 0:26 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory
32 24 0:27 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
33 24 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        let own = "4:memory:/jobs/7\n3:cpu,cpuacct:/\n2:name=systemd:/\n1:hugetlb:/\n0::/\n";
        assert_eq!(
            parse(mounts, own),
            [
                hierarchy("/sys/fs/cgroup/memory", "memory", 1, "/sys/fs/cgroup/memory/jobs/7"),
                hierarchy("/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct", 1, "/sys/fs/cgroup/cpu,cpuacct"),
                hierarchy("/sys/fs/cgroup/systemd", "none,name=systemd", 1, "/sys/fs/cgroup/systemd"),
                hierarchy("/sys/fs/cgroup/unified", "", 2, "/sys/fs/cgroup/unified"),
            ]
        );
    }

    #[test]
    fn version_2_has_one_and_groups_are_made_at_its_top() {
        let mounts = "28 24 0:25 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
        let own = "0::/user.slice/user-0.slice/session-1.scope\n";
        assert_eq!(parse(mounts, own), [hierarchy("/sys/fs/cgroup", "", 2, "/sys/fs/cgroup")]);
    }

    #[test]
    fn a_container_sees_its_own_group_at_the_mount() {
        let mounts = "31 24 0:26 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        assert_eq!(
            parse(mounts, "4:memory:/docker/abc/inner\n"),
            [hierarchy("/sys/fs/cgroup/memory", "memory", 1, "/sys/fs/cgroup/memory/inner")]
        );
    }
}
