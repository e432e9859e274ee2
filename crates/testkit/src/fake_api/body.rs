//! The body of an answer: all at once, or a stream that goes on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use serde_json::Value;

use super::watch_stream::WatchStream;

pub(super) enum ResponseBody {
    Once(Option<Bytes>),
    Watch(WatchStream),
}

impl ResponseBody {
    pub fn once(value: &Value) -> Self {
        Self::Once(Some(Bytes::from(value.to_string())))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Once(bytes) => Poll::Ready(bytes.take()),
            Self::Watch(stream) => stream.poll_line(context.waker()),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
