/* What Rust cannot reach directly: static inlines off the hot path, rte_errno,
 * and structures whose layout differs between DPDK releases. Names that a
 * release may lack are guarded in shim.c, never here. */
#ifndef VS_SHIM_H
#define VS_SHIM_H

#include <stddef.h>
#include <stdint.h>

#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_hash.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_version.h>

/* Where the fields of an mbuf are. Newer releases wrap them in anonymous
 * unions, which C sees through and generated bindings do not. */
enum vs_mbuf_offset {
	VS_MBUF_BUF_ADDR = offsetof(struct rte_mbuf, buf_addr),
	VS_MBUF_DATA_OFF = offsetof(struct rte_mbuf, data_off),
	VS_MBUF_REFCNT = offsetof(struct rte_mbuf, refcnt),
	VS_MBUF_NB_SEGS = offsetof(struct rte_mbuf, nb_segs),
	VS_MBUF_PORT = offsetof(struct rte_mbuf, port),
	VS_MBUF_OL_FLAGS = offsetof(struct rte_mbuf, ol_flags),
	VS_MBUF_PKT_LEN = offsetof(struct rte_mbuf, pkt_len),
	VS_MBUF_DATA_LEN = offsetof(struct rte_mbuf, data_len),
	VS_MBUF_BUF_LEN = offsetof(struct rte_mbuf, buf_len),
	VS_MBUF_NEXT = offsetof(struct rte_mbuf, next),
	VS_MBUF_TX_OFFLOAD = offsetof(struct rte_mbuf, tx_offload),
};

/* Flags of an mbuf; the last two say whose memory it is, not what is in it. */
enum vs_mbuf_flag {
	VS_RX_IP_CKSUM_MASK = RTE_MBUF_F_RX_IP_CKSUM_MASK,
	VS_RX_IP_CKSUM_GOOD = RTE_MBUF_F_RX_IP_CKSUM_GOOD,
	VS_RX_IP_CKSUM_BAD = RTE_MBUF_F_RX_IP_CKSUM_BAD,
	VS_RX_L4_CKSUM_MASK = RTE_MBUF_F_RX_L4_CKSUM_MASK,
	VS_RX_L4_CKSUM_NONE = RTE_MBUF_F_RX_L4_CKSUM_NONE,
	VS_RX_LRO = RTE_MBUF_F_RX_LRO,
	VS_TX_IPV4 = RTE_MBUF_F_TX_IPV4,
	VS_TX_IPV6 = RTE_MBUF_F_TX_IPV6,
	VS_TX_IP_CKSUM = RTE_MBUF_F_TX_IP_CKSUM,
	VS_TX_TCP_CKSUM = RTE_MBUF_F_TX_TCP_CKSUM,
	VS_TX_UDP_CKSUM = RTE_MBUF_F_TX_UDP_CKSUM,
	VS_TX_L4_MASK = RTE_MBUF_F_TX_L4_MASK,
	VS_TX_TCP_SEG = RTE_MBUF_F_TX_TCP_SEG,
	VS_BUF_EXTERNAL = RTE_MBUF_F_EXTERNAL,
	VS_BUF_INDIRECT = RTE_MBUF_F_INDIRECT,
};

/* Where the parts of an mbuf's tx_offload begin, in bits. */
enum vs_mbuf_tx_offload {
	VS_L2_LEN_SHIFT = RTE_MBUF_L2_LEN_OFS,
	VS_L3_LEN_SHIFT = RTE_MBUF_L3_LEN_OFS,
	VS_L4_LEN_SHIFT = RTE_MBUF_L4_LEN_OFS,
	VS_SEGMENT_SIZE_SHIFT = RTE_MBUF_TSO_SEGSZ_OFS,
};

/* What ports can be asked to do. */
enum vs_port_offload {
	VS_RX_OFFLOAD_IPV4_CKSUM = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM,
	VS_RX_OFFLOAD_L4_CKSUM = RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
				 RTE_ETH_RX_OFFLOAD_UDP_CKSUM,
	VS_RX_OFFLOAD_LRO = RTE_ETH_RX_OFFLOAD_TCP_LRO,
	VS_TX_OFFLOAD_IPV4_CKSUM = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM,
	VS_TX_OFFLOAD_L4_CKSUM = RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
				 RTE_ETH_TX_OFFLOAD_UDP_CKSUM,
	VS_TX_OFFLOAD_TSO = RTE_ETH_TX_OFFLOAD_TCP_TSO,
	VS_TX_OFFLOAD_CHAINS = RTE_ETH_TX_OFFLOAD_MULTI_SEGS,
};

enum vs_limit {
	VS_HEADROOM = RTE_PKTMBUF_HEADROOM,
	VS_MAX_PORTS = RTE_MAX_ETHPORTS,
	VS_MAX_LCORES = RTE_MAX_LCORE,
	VS_POOL_NAME_LEN = RTE_MEMPOOL_NAMESIZE,
	VS_POOL_CACHE_MAX = RTE_MEMPOOL_CACHE_MAX_SIZE,
};

/* What a port is and can, in a layout of our own. */
struct vs_port_info {
	char driver[64];
	char name[RTE_ETH_NAME_MAX_LEN];
	uint8_t mac[RTE_ETHER_ADDR_LEN];
	int socket;
	uint16_t min_mtu;
	uint16_t max_mtu;
	uint32_t max_rx_packet;
	uint32_t min_rx_buffer;
	uint16_t max_rx_queues;
	uint16_t max_tx_queues;
	uint16_t min_rx_descriptors;
	uint16_t max_rx_descriptors;
	uint16_t align_rx_descriptors;
	uint16_t min_tx_descriptors;
	uint16_t max_tx_descriptors;
	uint16_t align_tx_descriptors;
	uint64_t rx_offloads;
	uint64_t tx_offloads;
	uint64_t rss_types;
};

struct vs_port_conf {
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t mtu;
	/* 0: the driver spreads flows by itself, or there is one queue. */
	uint64_t rss_types;
	/* RTE_ETH_*_OFFLOAD_*, of those that the driver has. */
	uint64_t rx_offloads;
	uint64_t tx_offloads;
};

struct vs_link {
	uint32_t up;
	uint32_t speed_mbps;
};

int vs_errno(void);
unsigned int vs_lcore_id(void);

struct rte_mbuf *vs_mbuf_alloc(struct rte_mempool *pool);
/* From the pool that this one is of. */
struct rte_mbuf *vs_mbuf_alloc_beside(struct rte_mbuf *mbuf);
void vs_mbuf_free(struct rte_mbuf *mbuf);
/* Moves a chain's bytes into its first segment: 0, or -1 if they do not fit. */
int vs_mbuf_linearize(struct rte_mbuf *mbuf);

int vs_port_info(uint16_t port, struct vs_port_info *info);
int vs_port_configure(uint16_t port, const struct vs_port_conf *conf,
		      struct rte_mempool *pool);
int vs_port_link(uint16_t port, struct vs_link *link);
/* Where `on_interrupt_thread`, the call is made on DPDK's interrupt thread, and
 * waited for: some drivers' control paths are not safe against it. */
int vs_port_start(uint16_t port, int on_interrupt_thread);
int vs_port_stop(uint16_t port, int on_interrupt_thread);
/* Closes the port and detaches its device from its driver. */
int vs_port_remove(uint16_t port, int on_interrupt_thread);
uint64_t vs_rss_types_wanted(void);

/* Sends every log line of DPDK to the function, from whichever thread logs. */
typedef void (*vs_log_sink)(uint32_t level, const char *text, size_t len);
int vs_log_redirect(vs_log_sink sink);

/* Called with what a vhost port's guest has negotiated (VIRTIO_NET_F_*) whenever
 * that changes; 0 while there is no guest. */
typedef void (*vs_vhost_sink)(uint16_t port, uint64_t features);
int vs_vhost_watch(uint16_t port, vs_vhost_sink sink);
void vs_vhost_unwatch(uint16_t port);
uint64_t vs_vhost_features(uint16_t port);

/* Called before the shared memory of a memif connection is unmapped. */
typedef void (*vs_quiesce)(void);
void vs_memif_on_disconnect(vs_quiesce quiesce);

#endif
