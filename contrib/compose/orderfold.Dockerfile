# The image of receiver, projector and API: one static binary, made by `make build`.
FROM scratch
ARG OWNER=65532:65532
COPY bin/orderfold /orderfold
COPY --chown=$OWNER contrib/compose/volume /data
USER $OWNER
WORKDIR /data
ENTRYPOINT ["/orderfold"]
