/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the dpm authors */
/* The stand-in for a runtime: a "network" that knows data of mean 0.25 and standard deviation 0.5,
   noised with the 1000 linear betas of DDPM. */
#include "session.h"

#include <math.h>
#include <stdlib.h>

struct Session {
  double log_alphas_cumprod[1000];
};

Session* session_load(const char* path) {
  Session* session = path[0] == '\0' ? NULL : malloc(sizeof *session);
  if (session == NULL) return NULL;
  double sum = 0.0;
  for (int i = 0; i < 1000; ++i) {
    sum += log1p(-(1e-4 + (0.02 - 1e-4) * i / 999.0));
    session->log_alphas_cumprod[i] = sum;
  }
  return session;
}

int session_run(Session* session, const float* x, const size_t shape[4], float timestep, float* noise) {
  if (!(timestep > -2.0F && timestep < 1000.0F)) return 1;
  /* Between two entries, and before the first, log alpha is nearly a straight line. */
  int i = timestep < 0.0F ? 0 : (int)timestep;
  if (i > 998) i = 998;
  const double* table = session->log_alphas_cumprod;
  const double log_alpha = 0.5 * (table[i] + ((double)timestep - i) * (table[i + 1] - table[i]));
  const double alpha = exp(log_alpha);
  const double variance = -expm1(2.0 * log_alpha);
  const double factor = sqrt(variance) / (0.25 * alpha * alpha + variance);
  const size_t size = shape[0] * shape[1] * shape[2] * shape[3];
  for (size_t k = 0; k < size; ++k) noise[k] = (float)(factor * (x[k] - 0.25 * alpha));
  return 0;
}

void session_free(Session* session) { free(session); }
