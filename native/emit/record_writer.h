// Turns flows, events, anomalies and sketches into records in the batches of the queues they
// belong to. One per producer (lane or reader); one thread.
//
// A flow's record goes to the shard of its originator, and to the shard of its responder when that
// is internal; once when both are the same. Parser events that detectors judge go the same way, or
// to every shard (emit/judged_events.h). The publish queue gets END records with their detail,
// parser events and anomalies. Sketches go to every shard.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/event_writer.h"
#include "emit/batch_queue.h"
#include "emit/judged_events.h"
#include "flow/fieldbus_watch.h"
#include "flow/flow.h"
#include "flow/neighbour_watch.h"
#include "flow/segment_sketch.h"

namespace thymus::emit {

struct WriterCounters {
  uint64_t records = 0;
  uint64_t events = 0;
  uint64_t batches = 0;
  uint64_t anomalies = 0;
  uint64_t dpi_events = 0;
  uint64_t event_truncations = 0;
};

class RecordWriter final : public flow::FlowSink,
                           public flow::SketchSink,
                           public flow::NeighbourSink,
                           public flow::FieldbusSink,
                           private EventWriter::Sink {
 public:
  static constexpr int64_t kFlushNs = 1'000'000'000;

  // `shards` and `publish` (null: nothing is published) outlive the writer. `watermark` is the
  // order key before which this producer has said everything. Records wait in their batches for no
  // longer than `flush_ns` of engine time.
  RecordWriter(size_t producer, std::span<BatchQueue* const> shards, BatchQueue* publish,
               HashKey secret, int64_t flush_ns = kFlushNs, const JudgedEvents& judged = {});

  // Kinds of parsers' events that somebody reads; null: all.
  const EventKinds* wanted_events() const { return publishes_ ? nullptr : &judged_kinds_; }

  void on_flow(const flow::Flow& flow, const flow::FlowExtras& extras,
               const flow::GtpTunnels* tunnels, uint8_t events, flow::EndReason reason,
               flow::Moment moment) override;
  void on_event(const flow::Flow& flow, bool from_originator, int64_t ts_ns, uint16_t type,
                Bytes fields, uint32_t truncations, flow::Moment moment) override;
  void on_anomaly(const decode::PacketView& view, decode::Anomaly anomaly,
                  flow::Moment moment) override;
  void on_gtpu(const flow::Flow& flow, bool from_originator, const flow::GtpTunnels::Tunnel& tunnel,
               flow::Moment moment) override;
  void on_window(const flow::SketchWindow& window) override;
  void on_neighbour(const decode::PacketView& view, const decode::Neighbour& message,
                    const MacAddress& previous) override;
  void on_goose(const decode::PacketView& view, const dpi::Goose& message) override;
  void on_ethercat(const decode::PacketView& view, const dpi::Ethercat& frame) override;
  void on_profinet(const decode::PacketView& view, const dpi::ProfinetDcp& message) override;

  // Hands all batches over and moves all watermarks. Never waits.
  void hand_over(OrderKey watermark);
  // Waits while this producer has more in a queue than its share. REQUIRES: all producers of this
  // thread have handed over, or what is waited for could not leave.
  void wait_for_room();
  bool has_room() const;
  void flush(OrderKey watermark) {
    hand_over(watermark);
    wait_for_room();
  }
  // Nothing before `watermark` is still to come from this producer. Moves the watermarks of queues
  // that hold nothing back, and flushes when that much engine time has passed since the last time.
  void progress(OrderKey watermark);
  // All was said.
  void finish();

  const WriterCounters& counters() const { return counters_; }

 private:
  void add_row(size_t queue, FlowRow* row, uint8_t roles, Bytes detail);
  // What the reader says of one frame of a link, which belongs to no flow.
  EventRow link_event(const decode::PacketView& view, uint16_t type) const;
  void add_link_event(const EventRow& row);
  struct Ends {
    uint64_t orig_key;
    uint64_t resp_key;
  };
  void add_judged_event(const EventRow& row, Ends ends, bool from_originator, bool judges_responder,
                        Bytes fields);
  void add_event(size_t queue, const EventRow& row, Bytes body);
  // Flushes when a batch is full; called once all copies of a record are in their batches.
  void settle() {
    if (full_) flush({said_.time_us, said_.index, said_.sub + 1});
  }
  // What judging needs of a flow's detail: which station on the link its first packet came from.
  Bytes station_of(const flow::Flow& flow);
  Bytes detail_of(const flow::Flow& flow, const flow::FlowExtras& extras,
                  const flow::GtpTunnels* tunnels);
  // The reader waits between pieces only, when its lanes were told what it knows.
  void settle_reader() {
    if (full_) hand_over({said_.time_us, said_.index, said_.sub + 1});
  }
  void on_event(const FinishedEvent& event) override;

  size_t producer_;
  std::vector<BatchQueue*> queues_;  // shards, then the publish queue
  size_t n_shards_;
  bool publishes_;
  JudgedEvents judged_;
  EventKinds judged_kinds_;  // both of them
  HashKey secret_;
  std::vector<std::unique_ptr<Batch>> open_;
  OrderKey said_{};  // key of the last record
  double flush_us_;
  double flushed_us_ = 0;
  bool full_ = false;
  EventWriter fields_;  // of details and sketches
  Bytes finished_fields_;
  WriterCounters counters_;
};

}  // namespace thymus::emit
