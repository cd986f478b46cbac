#include "migrate/dek_mover.h"

#include <algorithm>

namespace keyhaven::migrate {
namespace {

MovedDek failed(const char* side, const Error& error) {
  MovedDek out;
  out.problem = problem_text(side, error);
  out.is_outage = is_outage(error.reason);
  return out;
}

MovedDek refused(std::string problem) {
  MovedDek out;
  out.problem = std::move(problem);
  return out;
}

}  // namespace

bool is_outage(Reason reason) noexcept {
  return reason == Reason::Io || reason == Reason::DeadlineExceeded ||
         reason == Reason::UnitUnavailable || reason == Reason::TooManyRequests ||
         reason == Reason::Unauthorized;
}

std::string problem_text(const char* side, const Error& error) {
  std::string out = std::string(side) + ": " + error.message;
  if (error.reason == Reason::CiphertextInvalid)
    out += "; check key and aad of the row, and that its wdek is the one now in use";
  if (error.reason == Reason::Forbidden)
    out += "; give the caller the right to wrap and unwrap with this key";
  return out;
}

std::string refusal_of(const DekRoutes& routes, const InventoryRow& row) {
  const DekRoute& route = routes.find(row.key);
  if (!route.refusal.empty()) return route.refusal;
  if (auto bytes = from_base64(row.wdek); !bytes) {
    return "wdek is not whole base64 (" + bytes.error().message +
           "): truncated or broken into lines? take it again from where it is kept";
  }
  return {};
}

Result<std::vector<DekWorker>> connect_workers(const Side& source, const Side& target,
                                               unsigned jobs) {
  std::vector<DekWorker> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  return workers;
}

MovedDek move_dek(DekWorker& worker, const DekRoutes& routes, const InventoryRow& row) {
  if (std::string refusal = refusal_of(routes, row); !refusal.empty())
    return refused(std::move(refusal));
  const DekRoute& route = routes.find(row.key);
  auto opened = worker.from.unwrap(route.key->source, row.wdek, row.aad);
  if (!opened) return failed("source", opened.error());
  if (opened->plaintext.empty()) return refused("source: the DEK is empty");  // wrap would make one
  auto wrapped = worker.to.wrap(route.target, opened->plaintext, row.aad);
  if (!wrapped) return failed("target", wrapped.error());
  MovedDek out;
  out.key = DekRoutes::target_name(route, row.key);
  out.wdek = std::move(wrapped->ciphertext);
  return out;
}

}  // namespace keyhaven::migrate
