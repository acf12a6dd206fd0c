"""`Options`: what the query of a URL says, under the names of oslo.messaging's own settings.

A URL that works for the real library works here: settings that concern what isn't here
(its pool of connections, its threads) are taken and mean nothing.
"""

from dataclasses import dataclass

from mainspring.messaging.link import Pauses
from mainspring.messaging.options import read_boolean, read_options, wrong_option
from mainspring.messaging.rabbit.envelope import COMPRESSIONS
from mainspring.messaging.url import TransportURL

__all__ = ["Options"]

# Settings of the real library that mean nothing here.
WITHOUT_MEANING = {
    "conn_pool_min_size",
    "conn_pool_ttl",
    "direct_mandatory_flag",
    "enable_cancel_on_failover",
    "executor_thread_pool_size",
    "heartbeat_in_pthread",
    "heartbeat_rate",
    "kombu_failover_strategy",
    "rpc_conn_pool_size",
    "rpc_response_timeout",
    "ssl_enforce_fips_mode",
    "ssl_version",
}
# That of them that promises something when it is true; taking it and not doing so would be a lie.
UNSUPPORTED = ("ssl_enforce_fips_mode",)


@dataclass(frozen=True)
class Options:
    """Settings of a transport; the defaults are oslo.messaging's.

    Attributes:
        control_exchange: the exchange of targets that name none.
        amqp_durable_queues: queues and exchanges outlive the broker.
        amqp_auto_delete: queues and exchanges end with their last user.
        rabbit_quorum_queue: topic queues are quorum queues, and durable.
        rabbit_transient_quorum_queue: so are reply and fanout queues.
        rabbit_quorum_delivery_limit: how often a quorum queue delivers a message; 0: without limit.
        rabbit_quorum_max_memory_length: how many messages it keeps in memory; 0: without limit.
        rabbit_quorum_max_memory_bytes: how many bytes; 0: without limit.
        rabbit_ha_queues: queues are mirrored, on brokers so old that they can.
        rabbit_stream_fanout: the servers of a topic read fanouts from one stream that they share;
            needs `rabbit_transient_quorum_queue`.
        rabbit_transient_queues_ttl: seconds without a consumer after which the broker removes a
            reply or fanout queue; 0: never. Of a stream it is the age of what it keeps.
        use_queue_manager: reply and fanout queues are named after host and program, and stay.
        hostname: the host in these names; empty: this machine's.
        processname: the program in these names; empty: this one's.
        rabbit_qos_prefetch_count: the most that a server or listener holds unsettled; 0: what its
            concurrency needs.
        heartbeat_timeout_threshold: seconds between heartbeats; 0: none.
        kombu_compression: `"gzip"` or `"bz2"`; empty for none.
        kombu_missing_consumer_retry_timeout: for how many seconds a reply is tried whose caller's
            queue is missing.
        kombu_reconnect_delay: seconds before a new attempt after the connection broke.
        rabbit_retry_interval: seconds before the second attempt to connect.
        rabbit_retry_backoff: seconds by which each further pause is longer.
        rabbit_interval_max: the longest pause.
        rabbit_login_method: `"PLAIN"`, `"AMQPLAIN"` or `"EXTERNAL"`.
        ssl: TLS.
        ssl_ca_file: the certificates to trust; empty: the system's.
        ssl_cert_file: a certificate of our own.
        ssl_key_file: its key.
        ssl_enforce_hostname_verification: the broker's certificate must be for its host.
        connection_timeout: seconds that connecting and the login may take together.
        extensions: whether calls carry what the real library doesn't know (and passes over).
        max_pending: how many messages may wait to be sent or confirmed.
        max_pending_bytes: how many bytes these may have.
    """

    control_exchange: str = "openstack"
    amqp_durable_queues: bool = False
    amqp_auto_delete: bool = False
    rabbit_quorum_queue: bool = False
    rabbit_transient_quorum_queue: bool = False
    rabbit_quorum_delivery_limit: int = 0
    rabbit_quorum_max_memory_length: int = 0
    rabbit_quorum_max_memory_bytes: int = 0
    rabbit_ha_queues: bool = False
    rabbit_stream_fanout: bool = False
    rabbit_transient_queues_ttl: int = 1800
    use_queue_manager: bool = False
    hostname: str = ""
    processname: str = ""
    rabbit_qos_prefetch_count: int = 0
    heartbeat_timeout_threshold: int = 60
    kombu_compression: str = ""
    kombu_missing_consumer_retry_timeout: float = 60.0
    kombu_reconnect_delay: float = 1.0
    rabbit_retry_interval: float = 1.0
    rabbit_retry_backoff: float = 2.0
    rabbit_interval_max: float = 30.0
    rabbit_login_method: str = "PLAIN"
    ssl: bool = False
    ssl_ca_file: str = ""
    ssl_cert_file: str = ""
    ssl_key_file: str = ""
    ssl_enforce_hostname_verification: bool = True
    connection_timeout: float = 10.0
    extensions: bool = True
    max_pending: int = 100_000
    max_pending_bytes: int = 256 << 20

    @classmethod
    def of(cls, url: TransportURL) -> "Options":
        """Reads the query of a URL.

        Raises:
            InvalidTransportURL: a name is unknown, or a value can't be one.
        """
        given = read_options(cls, url, _ALIASES, WITHOUT_MEANING)
        for name in UNSUPPORTED:
            if read_boolean(url.query.get(name, "")):
                raise wrong_option(url, f"{name} isn't supported")
        if url.transport == "amqps":
            given["ssl"] = True
        compression = given.get("kombu_compression")
        if compression and compression not in COMPRESSIONS:
            raise wrong_option(url, f"kombu_compression is one of {', '.join(COMPRESSIONS)}")
        if given.get("rabbit_login_method", "PLAIN") not in ("PLAIN", "AMQPLAIN", "EXTERNAL"):
            raise wrong_option(url, "rabbit_login_method is PLAIN, AMQPLAIN or EXTERNAL")
        if given.get("rabbit_stream_fanout") and not given.get("rabbit_transient_quorum_queue"):
            # The real library refuses it too: the exchange would be another for those who send.
            why = "rabbit_stream_fanout=true needs rabbit_transient_quorum_queue=true"
            raise wrong_option(url, why)
        return cls(**given)

    @property
    def pauses(self) -> Pauses:
        """How long to wait between attempts to connect."""
        return Pauses(
            self.rabbit_retry_interval,
            self.rabbit_retry_backoff,
            self.rabbit_interval_max,
            self.kombu_reconnect_delay,
        )


_ALIASES = {
    "heartbeat": "heartbeat_timeout_threshold",
    "ssl_ca": "ssl_ca_file",
}
