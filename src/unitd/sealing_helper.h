// A process beside the unit that does what sealing needs from outside: reads credentials and the
// passphrase, speaks with tokens and the TPM.
//
// Why a process: the unit enters its sandbox after the state is opened, and a later change of
// method (or the TPM's counter, at each save) would need files, sockets and a vendor's library in
// it. The helper sees a data key for a moment, never a master key, and takes orders only from the
// unit that started it. It ends with the unit. It is started only when the configuration names
// something it could use. docs/adr/0023-sealing-methods.md.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/file.h"
#include "unitd/sealing.h"
#include "unitd/sealing_methods.h"

namespace keyhaven::unitd {

// Where a unit gets its Sealing objects from.
class SealingSource {
 public:
  virtual ~SealingSource() = default;
  // As new_sealing and stored_sealing, for all methods.
  virtual Result<std::unique_ptr<Sealing>> create(unit::SealingMethod method,
                                                  const std::string& reference) = 0;
  virtual Result<std::unique_ptr<Sealing>> stored(unit::SealingMethod method,
                                                  ByteView parameters) = 0;
};

// The unit's end of the connection. Thread-safe; one call at a time. A call that the helper does
// not answer within the deadline fails with UnitUnavailable, and so do all later ones.
class SealingHelper {
 public:
  static constexpr std::chrono::seconds kDeadline{45};

  explicit SealingHelper(FileDescriptor socket, std::chrono::milliseconds deadline = kDeadline)
      : socket_(std::move(socket)), deadline_(deadline) {}

  Result<std::unique_ptr<Sealing>> create(unit::SealingMethod method, const std::string& reference);
  Result<std::unique_ptr<Sealing>> stored(unit::SealingMethod method, ByteView parameters);

 private:
  friend class RemoteSealing;
  // Sends one request, returns what follows the answer's status. Errors: the helper's.
  Result<SecretBytes> call(Bytes request);
  Result<std::unique_ptr<Sealing>> opened(Bytes request, unit::SealingMethod method);

  std::mutex mutex_;
  FileDescriptor socket_;
  std::chrono::milliseconds deadline_;
};

// The source of a real unit: key files here, everything else through the helper.
class UnitSealings final : public SealingSource {
 public:
  // `helper` may be null: then only the methods file and none are to be had.
  UnitSealings(std::string key_file, std::unique_ptr<SealingHelper> helper)
      : key_file_(std::move(key_file)), helper_(std::move(helper)) {}
  Result<std::unique_ptr<Sealing>> create(unit::SealingMethod method,
                                          const std::string& reference) override;
  Result<std::unique_ptr<Sealing>> stored(unit::SealingMethod method, ByteView parameters) override;

 private:
  std::string key_file_;
  std::unique_ptr<SealingHelper> helper_;
};

// The helper's life: answers requests until the other end is closed. Returns the exit status.
int run_sealing_helper(FileDescriptor socket, const SealingMeans& means);

}  // namespace keyhaven::unitd
