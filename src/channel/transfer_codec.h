// The part of the codec that is about transfers of keys (unit/key_transfer.h); used by codec.h's
// functions.
#pragma once

#include <vector>

#include "base/wire.h"
#include "channel/secret_buffer.h"
#include "unit/key_transfer.h"

namespace keyhaven::channel {

// --- Calls, decoded ---
struct TransfersCall {
  InstanceId instance;
};
struct ExportChunkCall {
  InstanceId instance;
  Uuid transfer;
  std::uint32_t index = 0;
  std::vector<unit::TransferKey> keys;
};
struct SignManifestCall {
  InstanceId instance;
  Uuid transfer;
  std::uint32_t keys = 0;
  std::vector<unit::ChunkProof> chunks;
};
struct ImportChunkCall {
  InstanceId instance;
  Bytes manifest;
  std::uint32_t index = 0;
  Bytes chunk;
};
struct CloseTransferCall {
  InstanceId instance;
  Uuid transfer;
};

// Each reads its fields behind the fixed part of a frame; a fault shows in `in`. Counts are held
// against what the frame has before anything is allocated.
ExportChunkCall read_export_chunk(Reader& in);
SignManifestCall read_sign_manifest(Reader& in);
ImportChunkCall read_import_chunk(Reader& in);

// Each writes the same fields; above the limits of unit/key_transfer.h the writer fails.
void write_export_chunk(SecretWriter& out, const InstanceId& instance, const Uuid& transfer,
                        std::uint32_t index, const std::vector<unit::TransferKey>& keys);
void write_sign_manifest(SecretWriter& out, const InstanceId& instance, const Uuid& transfer,
                         std::uint32_t keys, const std::vector<unit::ChunkProof>& chunks);
void write_import_chunk(SecretWriter& out, const InstanceId& instance, ByteView manifest,
                        std::uint32_t index, ByteView chunk);

// --- Answers ---
struct SignedManifest {
  Bytes bytes;
};
void write_value(SecretWriter& out, const unit::TransferStatus& status);
void write_value(SecretWriter& out, const unit::TransferChunk& chunk);
void write_value(SecretWriter& out, const SignedManifest& manifest);
void write_value(SecretWriter& out, const std::vector<unit::TransferKey>& keys);
void read_value(Reader& in, unit::TransferStatus& status);
void read_value(Reader& in, unit::TransferChunk& chunk);
void read_value(Reader& in, SignedManifest& manifest);
void read_value(Reader& in, std::vector<unit::TransferKey>& keys);

}  // namespace keyhaven::channel
