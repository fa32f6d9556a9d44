# The image of the NATS server: the binary made by `make nats-server`, and orderfold for the health check.
FROM scratch
ARG OWNER=65532:65532
COPY bin/nats-server /nats-server
COPY bin/orderfold /orderfold
COPY --chown=$OWNER contrib/compose/volume /data
USER $OWNER
ENTRYPOINT ["/nats-server"]
CMD ["--config", "/etc/nats/nats.conf"]
