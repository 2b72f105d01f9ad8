/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the dpm authors */
/* A network behind a C interface: the shape that ONNX Runtime, ggml, TensorRT and others have. */
#ifndef SESSION_H
#define SESSION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Session Session;

/* NULL if it cannot be loaded. */
Session* session_load(const char* path);
/* Writes the noise in `x`, at a timestep from 0 to 999, to `noise`; both have this shape. Returns 0
   unless it fails. */
int session_run(Session* session, const float* x, const size_t shape[4], float timestep, float* noise);
void session_free(Session* session);

#ifdef __cplusplus
}
#endif

#endif
