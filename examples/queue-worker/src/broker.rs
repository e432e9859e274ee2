//! What the worker and the tools have in common in front of RabbitMQ.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind, PublisherConfirm, Queue};

/// How long the broker may take for one answer. A job may take longer: this is not about jobs.
const ANSWER: Duration = Duration::from_secs(5);

/// After two of these without a sign of life a connection is taken for dead.
const HEARTBEAT_SECONDS: u16 = 10;

/// Who we are for the broker. Labels are no place for a password: this comes from the environment, in a cluster from a
/// Secret. Nothing here begins with RABBITMQ_: beside a Service named rabbitmq Kubernetes gives each container
/// RABBITMQ_PORT=tcp://… and others.
#[derive(Clone, Debug, clap::Args)]
pub struct Access {
    #[arg(long, env = "BROKER_USER", default_value = "guest", global = true)]
    pub broker_user: String,
    #[arg(long, env = "BROKER_PASSWORD", default_value = "guest", hide_env_values = true, global = true)]
    pub broker_password: String,
    #[arg(long, env = "BROKER_VHOST", default_value = "/", global = true)]
    pub broker_vhost: String,
}

/// Waits for an answer of the broker, but not for ever.
pub async fn answer<T>(what: &str, call: impl Future<Output = lapin::Result<T>>) -> anyhow::Result<T> {
    match tokio::time::timeout(ANSWER, call).await {
        Ok(answer) => answer.map_err(|error| anyhow!("{what}: {error}")),
        Err(_) => bail!("{what}: no answer in {ANSWER:?}"),
    }
}

/// For `?` where there is no more to say. As a cause of an error of ours it would be told twice: it tells its own.
pub fn plain(error: lapin::Error) -> anyhow::Error {
    anyhow!("{error}")
}

pub async fn connect(access: &Access, host: &str, port: u16, name: &str) -> anyhow::Result<Connection> {
    let uri = AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: access.broker_user.clone(),
                password: access.broker_password.clone(),
            },
            host: host.to_owned(),
            port,
        },
        vhost: access.broker_vhost.clone(),
        query: AMQPQueryString { heartbeat: Some(HEARTBEAT_SECONDS), ..AMQPQueryString::default() },
    };
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    answer(&format!("connect to {host}:{port}"), Connection::connect_uri(uri, properties)).await
}

/// Ends a connection in good order. What is wrong with one that ends anyway is of no interest.
pub async fn disconnect(connection: &Connection) {
    answer("disconnect", connection.close(200, "OK".into())).await.ok();
}

/// Makes sure that there is a durable queue of this name. One that somebody has declared with other arguments (quorum, a
/// time to live) is taken as it is.
pub async fn declare(connection: &Connection, queue: &str) -> anyhow::Result<()> {
    match look(connection, queue, QueueDeclareOptions::durable()).await? {
        Ok(_) => Ok(()),
        Err(error) if says(&error, AMQPSoftError::PRECONDITIONFAILED) => match find(connection, queue).await?
        {
            Some(_) => Ok(()),
            None => bail!("declare queue {queue}: {error}"),
        },
        Err(error) => bail!("declare queue {queue}: {error}"),
    }
}

/// The queue, if there is one.
pub async fn find(connection: &Connection, queue: &str) -> anyhow::Result<Option<Queue>> {
    match look(connection, queue, QueueDeclareOptions::durable().passive()).await? {
        Ok(found) => Ok(Some(found)),
        Err(error) if says(&error, AMQPSoftError::NOTFOUND) => Ok(None),
        Err(error) => bail!("look for queue {queue}: {error}"),
    }
}

/// What the broker says to a declaration. If it says no, that costs the channel, so each has its own.
async fn look(
    connection: &Connection,
    queue: &str,
    options: QueueDeclareOptions,
) -> anyhow::Result<lapin::Result<Queue>> {
    let channel = answer("open a channel", connection.create_channel()).await?;
    let declared = channel.queue_declare(name(queue)?, options, FieldTable::default());
    let Ok(declared) = tokio::time::timeout(ANSWER, declared).await else {
        bail!("declare queue {queue}: no answer in {ANSWER:?}");
    };
    if declared.is_ok() {
        answer("close the channel", channel.close(200, "OK".into())).await?;
    }
    Ok(declared)
}

fn says(error: &lapin::Error, what: AMQPSoftError) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if *error.kind() == AMQPErrorKind::Soft(what))
}

/// AMQP's short string, of which `From` panics beyond 255 bytes.
pub fn name(text: &str) -> anyhow::Result<ShortString> {
    ShortString::try_new(text).with_context(|| format!("name {text}"))
}

/// Publishes messages that survive a restart of the broker, and knows whether the broker has them.
#[derive(Clone, Debug)]
pub struct Publisher {
    channel: Channel,
    queue: ShortString,
}

impl Publisher {
    pub async fn open(connection: &Connection, queue: &str) -> anyhow::Result<Self> {
        declare(connection, queue).await?;
        let channel = answer("open a channel", connection.create_channel()).await?;
        answer("select confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self { channel, queue: name(queue)? })
    }

    /// Hands the message over. It is safe when the answer has come that `confirmed` waits for.
    pub async fn send(&self, payload: &[u8], content_type: &str) -> anyhow::Result<PublisherConfirm> {
        const PERSISTENT: u8 = 2;
        let properties =
            BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type(content_type.into());
        // Mandatory: without a queue the broker would confirm and throw it away.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent = self.channel.basic_publish("".into(), self.queue.clone(), options, payload, properties);
        answer("publish", sent).await
    }
}

/// Waits, as long as it takes, until the broker has stored what was sent.
pub async fn confirmed(sent: PublisherConfirm) -> anyhow::Result<()> {
    let confirmation = sent.await.map_err(plain)?;
    ensure!(confirmation.is_ack(), "the broker refuses a message");
    ensure!(confirmation.take_message().is_none(), "the broker has no queue for a message");
    Ok(())
}

/// The waits between attempts: 0.1 s, doubled up to 5 s, and as much again by chance, so that the workers of a broker
/// that comes back do not all come back in the same moment.
pub fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(LONGEST_WAIT)
        .without_max_times()
        .with_jitter()
        .build()
}

/// The longest of them, for an iterator that says that it might end.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);
