// A RecordTable whose journal and keys are in memory, and that can die and start again.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "unit/record_table.h"

namespace keyhaven::unit {

// Not thread-safe itself; the table is.
class RecordTableForTests final : private RecordKeySink, private RecordSink {
 public:
  RecordTableForTests() { restart(); }

  RecordTable& operator*() noexcept { return *table_; }
  RecordTable* operator->() noexcept { return table_.get(); }

  // As after the unit's process died and started again. With `power_failed`, what was appended
  // since the last durable entry is gone.
  void restart(bool power_failed = false) {
    if (power_failed) entries_.resize(durable_);
    durable_ = entries_.size();
    table_ = std::make_unique<RecordTable>(keys_.clone(), static_cast<RecordKeySink&>(*this),
                                           static_cast<RecordSink&>(*this));
    for (const Bytes& entry : entries_) KH_ASSERT(table_->replay(entry).has_value());
    table_->replayed();
    if (entries_.empty()) KH_ASSERT(table_->rewrite_journal().has_value());
  }

  // The next `count` calls of a sink fail; nothing is stored by them.
  void fail(int count) { failing_ = count; }
  void fail_keys(int count) { failing_keys_ = count; }  // of the RecordKeySink only
  // As if the unit's disk had been put back to an earlier copy.
  struct Copy {
    std::vector<Bytes> entries;
    RecordKeys keys;
  };
  Copy copy() const { return {entries_, keys_.clone()}; }
  void put_back(const Copy& copy) {
    entries_ = copy.entries;
    keys_ = copy.keys.clone();
    restart();
  }
  // The journal is lost, and an operator begins an empty one.
  void lose_journal() {
    entries_.clear();
    ++keys_.losses;
    restart();
  }
  void set_units(const std::set<InstanceId>& instances) { units_ = instances; }
  const std::vector<Bytes>& entries() const noexcept { return entries_; }
  const RecordKeys& keys() const noexcept { return keys_; }
  // Compacts when the journal has more entries than this.
  void set_most_entries(std::size_t count) { most_entries_ = count; }

 private:
  Result<void> fails() {
    if (failing_ == 0) return {};
    --failing_;
    return Error{Reason::StoreUnavailable, "the disk of the crypto unit is full", {}};
  }
  Result<void> save_record_keys(const RecordKeys& keys) override {
    if (failing_keys_ > 0) {
      --failing_keys_;
      return Error{Reason::StoreUnavailable, "the disk of the crypto unit is full", {}};
    }
    KH_TRY(fails());
    keys_ = keys.clone();
    return {};
  }
  bool has_units(const InstanceId& instance) const override { return units_.contains(instance); }
  Result<void> append(ByteView entry, Durability durability) override {
    KH_TRY(fails());
    entries_.push_back(to_bytes(entry));
    if (durability == Durability::Power) durable_ = entries_.size();
    return {};
  }
  Result<void> replace(const Entries& next) override {
    KH_TRY(fails());
    entries_.clear();
    while (auto entry = next()) entries_.push_back(std::move(*entry));
    durable_ = entries_.size();
    return {};
  }
  bool is_oversized(std::uint64_t) const override { return entries_.size() > most_entries_; }

  std::vector<Bytes> entries_;
  std::size_t durable_ = 0;
  RecordKeys keys_;
  std::set<InstanceId> units_;
  int failing_ = 0;
  int failing_keys_ = 0;
  std::size_t most_entries_ = SIZE_MAX;
  std::unique_ptr<RecordTable> table_;
};

}  // namespace keyhaven::unit
