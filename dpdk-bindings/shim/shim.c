#define _GNU_SOURCE
/* Interrupt handles are opened to look for a leaked listener; no other way. */
#define ALLOW_EXPERIMENTAL_API
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eth_vhost.h>
#include <rte_interrupts.h>
#include <rte_vhost.h>

#include "shim.h"

/* Rust reads these fields with these widths. */
#define FIELD_SIZE(field) sizeof(((struct rte_mbuf *)0)->field)
_Static_assert(FIELD_SIZE(buf_addr) == sizeof(void *), "buf_addr");
_Static_assert(FIELD_SIZE(data_off) == 2, "data_off");
_Static_assert(FIELD_SIZE(refcnt) == 2, "refcnt");
_Static_assert(FIELD_SIZE(nb_segs) == 2, "nb_segs");
_Static_assert(FIELD_SIZE(port) == 2, "port");
_Static_assert(FIELD_SIZE(ol_flags) == 8, "ol_flags");
_Static_assert(FIELD_SIZE(pkt_len) == 4, "pkt_len");
_Static_assert(FIELD_SIZE(data_len) == 2, "data_len");
_Static_assert(FIELD_SIZE(buf_len) == 2, "buf_len");
_Static_assert(FIELD_SIZE(next) == sizeof(void *), "next");
_Static_assert(FIELD_SIZE(tx_offload) == 8, "tx_offload");

int vs_errno(void)
{
	return rte_errno;
}

unsigned int vs_lcore_id(void)
{
	return rte_lcore_id();
}

struct rte_mbuf *vs_mbuf_alloc(struct rte_mempool *pool)
{
	return rte_pktmbuf_alloc(pool);
}

struct rte_mbuf *vs_mbuf_alloc_beside(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_alloc(mbuf->pool);
}

void vs_mbuf_free(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf);
}

int vs_mbuf_linearize(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_linearize(mbuf);
}

uint64_t vs_rss_types_wanted(void)
{
	return RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
}

int vs_port_info(uint16_t port, struct vs_port_info *out)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int rc;

	memset(out, 0, sizeof(*out));
	memset(&info, 0, sizeof(info));
	rc = rte_eth_dev_info_get(port, &info);
	if (rc != 0)
		return rc;
	rc = rte_eth_macaddr_get(port, &mac);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_get_name_by_port(port, out->name);
	if (rc != 0)
		return rc;
	snprintf(out->driver, sizeof(out->driver), "%s",
		 info.driver_name != NULL ? info.driver_name : "");
	memcpy(out->mac, mac.addr_bytes, sizeof(out->mac));
	out->socket = rte_eth_dev_socket_id(port);
	out->min_mtu = info.min_mtu;
	out->max_mtu = info.max_mtu;
	out->max_rx_packet = info.max_rx_pktlen;
	out->min_rx_buffer = info.min_rx_bufsize;
	out->max_rx_queues = info.max_rx_queues;
	out->max_tx_queues = info.max_tx_queues;
	out->min_rx_descriptors = info.rx_desc_lim.nb_min;
	out->max_rx_descriptors = info.rx_desc_lim.nb_max;
	out->align_rx_descriptors = info.rx_desc_lim.nb_align;
	out->min_tx_descriptors = info.tx_desc_lim.nb_min;
	out->max_tx_descriptors = info.tx_desc_lim.nb_max;
	out->align_tx_descriptors = info.tx_desc_lim.nb_align;
	out->rx_offloads = info.rx_offload_capa;
	out->tx_offloads = info.tx_offload_capa;
	out->rss_types = info.flow_type_rss_offloads;
	return 0;
}

int vs_port_configure(uint16_t port, const struct vs_port_conf *want,
		      struct rte_mempool *pool)
{
	struct rte_eth_conf conf;
	struct rte_eth_dev_info info;
	uint16_t rxd = want->rx_descriptors, txd = want->tx_descriptors;
	int socket = rte_eth_dev_socket_id(port);
	uint16_t queue;
	int rc;

	rc = rte_eth_dev_info_get(port, &info);
	if (rc != 0)
		return rc;
	memset(&conf, 0, sizeof(conf));
	conf.rxmode.mtu = want->mtu;
	conf.rxmode.offloads = want->rx_offloads;
	conf.txmode.offloads = want->tx_offloads;
	if (want->rss_types != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = want->rss_types;
	}
	rc = rte_eth_dev_configure(port, want->rx_queues, want->tx_queues, &conf);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rxd, &txd);
	if (rc != 0)
		return rc;
	for (queue = 0; queue < want->rx_queues; queue++) {
		rc = rte_eth_rx_queue_setup(port, queue, rxd, socket, NULL, pool);
		if (rc != 0)
			return rc;
	}
	for (queue = 0; queue < want->tx_queues; queue++) {
		rc = rte_eth_tx_queue_setup(port, queue, txd, socket, NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int vs_port_link(uint16_t port, struct vs_link *out)
{
	struct rte_eth_link link;
	int rc;

	memset(&link, 0, sizeof(link));
	rc = rte_eth_link_get_nowait(port, &link);
	if (rc != 0)
		return rc;
	out->up = link.link_status == RTE_ETH_LINK_UP;
	out->speed_mbps = link.link_speed;
	return 0;
}

/* A control call, to be made on one thread or another. */
struct port_call {
	int (*run)(uint16_t port);
	uint16_t port;
	int rc;
	sem_t done;
};

static void port_call_run(void *arg)
{
	struct port_call *call = arg;

	call->rc = call->run(call->port);
	sem_post(&call->done);
}

static int port_call(int (*run)(uint16_t port), uint16_t port,
		     int on_interrupt_thread)
{
	struct port_call call = { .run = run, .port = port };
	int rc;

	if (!on_interrupt_thread || rte_thread_is_intr())
		return run(port);
	sem_init(&call.done, 0, 0);
	/* Alarms are served by the interrupt thread. */
	rc = rte_eal_alarm_set(1, port_call_run, &call);
	if (rc == 0) {
		while (sem_wait(&call.done) != 0 && errno == EINTR)
			;
		rc = call.rc;
	}
	sem_destroy(&call.done);
	return rc;
}

static int port_remove(uint16_t port)
{
	struct rte_eth_dev_info info;
	int rc;

	rc = rte_eth_dev_info_get(port, &info);
	if (rc != 0)
		return rc;
	rc = rte_eth_dev_close(port);
	if (rc != 0)
		return rc;
	return rte_dev_remove(info.device);
}

int vs_port_start(uint16_t port, int on_interrupt_thread)
{
	return port_call(rte_eth_dev_start, port, on_interrupt_thread);
}

int vs_port_stop(uint16_t port, int on_interrupt_thread)
{
	return port_call(rte_eth_dev_stop, port, on_interrupt_thread);
}

int vs_port_remove(uint16_t port, int on_interrupt_thread)
{
	return port_call(port_remove, port, on_interrupt_thread);
}

static vs_log_sink log_sink;

static ssize_t log_write(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	if (log_sink != NULL)
		log_sink((uint32_t)rte_log_cur_msg_loglevel(), text, len);
	return (ssize_t)len;
}

int vs_log_redirect(vs_log_sink sink)
{
	cookie_io_functions_t io = { .write = log_write };
	FILE *stream = fopencookie(NULL, "w", io);

	if (stream == NULL)
		return -1;
	log_sink = sink;
	return rte_openlog_stream(stream);
}

/* A build of DPDK without vhost has no such driver, and no such port. */
#pragma weak rte_eth_vhost_get_vid_from_port_id
#pragma weak rte_vhost_get_negotiated_features

static vs_vhost_sink vhost_sink;

uint64_t vs_vhost_features(uint16_t port)
{
	uint64_t features = 0;
	int vid;

	if (rte_eth_vhost_get_vid_from_port_id == NULL ||
	    rte_vhost_get_negotiated_features == NULL)
		return 0;
	vid = rte_eth_vhost_get_vid_from_port_id(port);
	if (vid < 0 || rte_vhost_get_negotiated_features(vid, &features) != 0)
		return 0;
	return features;
}

/* A guest that comes or goes is a change of the link. */
static int vhost_link_changed(uint16_t port, enum rte_eth_event_type event,
			      void *arg, void *result)
{
	vs_vhost_sink sink = __atomic_load_n(&vhost_sink, __ATOMIC_ACQUIRE);

	(void)event;
	(void)arg;
	(void)result;
	if (sink != NULL)
		sink(port, vs_vhost_features(port));
	return 0;
}

int vs_vhost_watch(uint16_t port, vs_vhost_sink sink)
{
	__atomic_store_n(&vhost_sink, sink, __ATOMIC_RELEASE);
	return rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC,
					     vhost_link_changed, NULL);
}

void vs_vhost_unwatch(uint16_t port)
{
	/* -EAGAIN: it is being called right now. */
	while (rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC,
					       vhost_link_changed, NULL) == -EAGAIN)
		;
}

static vs_quiesce memif_quiesce;

void vs_memif_on_disconnect(vs_quiesce quiesce)
{
	__atomic_store_n(&memif_quiesce, quiesce, __ATOMIC_RELEASE);
}

#ifdef VS_GUARD_MEMIF
struct rte_eth_dev;
void memif_free_regions(struct rte_eth_dev *dev);
void vs_memif_free_regions(struct rte_eth_dev *dev);

/* The build makes the driver's disconnect call this. */
void vs_memif_free_regions(struct rte_eth_dev *dev)
{
	vs_quiesce quiesce = __atomic_load_n(&memif_quiesce, __ATOMIC_ACQUIRE);

	if (quiesce != NULL)
		quiesce();
	memif_free_regions(dev);
}

/* When the last port of a listening socket goes, the driver frees what it hears
 * the socket by, and leaves the socket open and its callback registered: a file
 * leaks, and who connects in that moment makes the callback read freed memory.
 * So the build makes the driver call these, which note what it hears by, and
 * end that before it is freed. */
int vs_memif_hear(struct rte_intr_handle *handle, rte_intr_callback_fn heard,
		  void *arg);
void vs_memif_free_handle(struct rte_intr_handle *handle);

/* A listener for every port. */
static struct {
	struct rte_intr_handle *handle;
	rte_intr_callback_fn heard;
	void *arg;
} memif_ears[RTE_MAX_ETHPORTS];

static pthread_mutex_t memif_ears_lock = PTHREAD_MUTEX_INITIALIZER;

static int is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 &&
	       listening;
}

int vs_memif_hear(struct rte_intr_handle *handle, rte_intr_callback_fn heard,
		  void *arg)
{
	int rc = rte_intr_callback_register(handle, heard, arg);
	size_t i = 0;

	/* A connection the driver ends itself, and may free where nothing can be
	 * unregistered. */
	if (rc != 0 || !is_listening(rte_intr_fd_get(handle)))
		return rc;
	pthread_mutex_lock(&memif_ears_lock);
	while (i < RTE_DIM(memif_ears) && memif_ears[i].handle != NULL)
		i++;
	if (i < RTE_DIM(memif_ears)) {
		memif_ears[i].handle = handle;
		memif_ears[i].heard = heard;
		memif_ears[i].arg = arg;
	}
	pthread_mutex_unlock(&memif_ears_lock);
	return 0;
}

void vs_memif_free_handle(struct rte_intr_handle *handle)
{
	rte_intr_callback_fn heard = NULL;
	void *arg = NULL;
	size_t i;

	pthread_mutex_lock(&memif_ears_lock);
	for (i = 0; handle != NULL && i < RTE_DIM(memif_ears); i++) {
		if (memif_ears[i].handle != handle)
			continue;
		heard = memif_ears[i].heard;
		arg = memif_ears[i].arg;
		memif_ears[i].handle = NULL;
	}
	pthread_mutex_unlock(&memif_ears_lock);
	if (heard != NULL &&
	    rte_intr_callback_unregister(handle, heard, arg) > 0)
		close(rte_intr_fd_get(handle));
	rte_intr_instance_free(handle);
}
#endif
