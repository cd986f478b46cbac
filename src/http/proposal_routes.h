// Proposals and the transcript of an instance's crypto units (docs/operations/proposals.md).
#pragma once

#include "http/route.h"
#include "http/tke_frames.h"
#include "instances/proposals.h"

namespace keyhaven::http {

// /v1/tke/{instance}/proposals, .../{proposal}, .../{proposal}/signatures, .../{proposal}/send.
// `front` and `proposals` must outlive the routes.
Routes proposal_routes(const FrameFront& front, instances::Proposals& proposals);

// GET /v1/tke/{instance}/transcript.
Routes transcript_routes(const FrameFront& front);

}  // namespace keyhaven::http
