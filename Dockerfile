# The exporter as an image of its own: one binary on Debian slim.
#
# Debian and not an empty image, because a C library is needed, and a shell helps at night.
#
# Tags only: which digest stands behind them cannot be known here. Pin it where you build, for
# example `FROM rust:1.95-slim-trixie@sha256:...`, and let a bot keep it up to date.

FROM rust:1.95-slim-trixie AS build
WORKDIR /build
# rust-toolchain.toml stays out: the image is the toolchain.
COPY Cargo.toml Cargo.lock ./
COPY src src
# Named by the manifest, so it has to be there.
COPY benches benches
# Runbooks, and what `bundle` writes, are part of the binary.
COPY docs/runbooks docs/runbooks
COPY alerts alerts
COPY dashboards dashboards
COPY docker-compose.monitoring.yml .env.example ./
COPY examples examples
RUN cargo build --locked --profile dist --bin stack-exporter

FROM debian:trixie-slim
COPY --from=build /build/target/dist/stack-exporter /usr/local/bin/stack-exporter
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/stack-exporter/
# Where positions in logs and what was counted in them outlive a restart; mount a volume there.
# What `compose-setup` writes for other services stands in volumes; a new one takes its owner from here.
RUN install -d -m 0700 -o 65532 -g 65532 /var/lib/stack-exporter \
    && install -d -m 0755 -o 65532 -g 65532 /var/lib/stack-setup/alertmanager /var/lib/stack-setup/grafana
# A number, so that it can be told without the image that it is not root.
USER 65532:65532
# All addresses of the container; what is published to the host is another matter.
ENV STACK_EXPORTER_WEB_LISTEN_ADDRESS=0.0.0.0:10188
VOLUME /var/lib/stack-exporter
EXPOSE 10188
# Healthy means that the server answers. Whether targets do is what it is there to tell.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
    CMD ["stack-exporter", "healthcheck"]
ENTRYPOINT ["stack-exporter"]
CMD ["serve"]
