//! A tool that applies what Git holds, again and again: the example's routes as they are, with no word of weights.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serin_node::Site;

const EVERY: Duration = Duration::from_secs(5);

pub struct GitOps {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl GitOps {
    pub fn start(site: &Site) -> Self {
        let (site, stop) = (Site { inside: site.inside.clone() }, Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut next = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    next += EVERY;
                    site.apply_example("pinned-clients/routes.yaml", &[]);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { stop, thread }
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the tool that applies the routes");
    }
}
