// The DER payloads of administration: requests, blocks, answers, attributes, domain information.
#include "tke/admin.h"

#include "fuzz.h"
#include "tke/attributes.h"

using namespace keyhaven;

namespace {

template <class Value>
void check(const Result<Value>& value, Result<Value> (*parse)(ByteView)) {
  if (value) KH_ASSERT(parse(tke::encode(*value)).value() == *value);
}

}  // namespace

KH_FUZZ_TARGET(in) {
  check(tke::parse_admin_block(in), tke::parse_admin_block);
  check(tke::parse_admin_response_block(in), tke::parse_admin_response_block);
  // A refusal may come with a block; we write it in the short form.
  if (auto response = tke::parse_admin_response(in)) {
    if (response->return_code != 0) {
      response->block.clear();
      response->signer_infos.clear();
    }
    check(response, tke::parse_admin_response);
  }
  check(tke::parse_info_response(in), tke::parse_info_response);
  check(tke::parse_domain_info(in), tke::parse_domain_info);
  if (const auto payload = tke::parse_request_payload(in)) {
    const Bytes again = std::visit([](const auto& one) { return tke::encode(one); }, *payload);
    KH_ASSERT(tke::parse_request_payload(again).value() == *payload);
  }
  if (const auto requests = tke::parse_admin_requests(in, 8)) {
    KH_ASSERT(requests->size() <= 8);
    Bytes again;
    for (const tke::AdminRequest& one : *requests) append(again, tke::encode(one));
    KH_ASSERT(tke::parse_admin_requests(again, 8).value() == *requests);
  }
  if (const auto attributes = tke::apply_attribute_list({}, in)) {
    const Bytes again = tke::encode_for_query(*attributes);
    const auto set = tke::apply_attribute_list(*attributes, tke::encode_for_set(*attributes));
    KH_ASSERT(set && tke::encode_for_query(*set) == again);
  }
}
