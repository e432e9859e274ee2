# syntax=docker/dockerfile:1
# The image that `cargo xtask image` writes, for those who have docker: docker build --tag serin .

FROM rust:1-slim-trixie AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Before the sources, so that their changes do not install the compiler again.
COPY rust-toolchain.toml ./
RUN rustup toolchain install
COPY . .
# The target is named so that the flag spares build scripts and procedural macros, which cannot be static.
# What is in a cache is gone after the step: the program is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    target="$(rustc --version --verbose | sed -n 's/^host: //p')" \
 && RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --release --locked --package serin --bin serin --target "$target" \
 && cp "target/$target/release/serin" /serin
RUN printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >/passwd \
 && printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >/group

FROM scratch
# Those of xtask/src/image/contents.rs. The build adds version and revision:
#   --label org.opencontainers.image.version=… --label org.opencontainers.image.revision="$(git rev-parse HEAD)"
LABEL org.opencontainers.image.title="serin" \
      org.opencontainers.image.source="https://github.com/serin-dev/serin" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /passwd /group /etc/
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /serin /serin
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/serin"]
