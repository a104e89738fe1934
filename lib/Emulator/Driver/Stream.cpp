//===- Stream.cpp - Streams, events, graphs -------------------------------===//
//
// Part of et-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Work runs when it is submitted, in the order of submission, which every
// program's own order allows. A captured stream records instead; streams that
// wait for an event of it record in the same graph, in the same order.
//
//===----------------------------------------------------------------------===//

#include "DriverApi.h"

#include <utility>

StreamObject *Driver::stream(CUstream handle) {
  // Null, the legacy stream (1) and the thread's own (2) are one.
  if (reinterpret_cast<uintptr_t>(handle) <= 2)
    return &defaultStream;
  return streams.count(handle) ? handle : nullptr;
}

bool Driver::forbidsUnsafe() const {
  for (void *other : streams) {
    auto *s = static_cast<StreamObject *>(other);
    if (s->origin && !s->isRelaxed)
      return true;
  }
  return false;
}

CUresult Driver::submit(CUstream handle, std::function<CUresult()> work) {
  StreamObject *s = stream(handle);
  if (!s)
    return kInvalidHandle;
  if (!s->capture) {
    // Every stream that is captured might wait for the default one.
    if (s == &defaultStream && forbidsUnsafe())
      return kCaptureImplicit;
    return work();
  }
  s->capture->nodes.push_back(std::move(work));
  return kSuccess;
}

template <typename T>
static T *make(std::set<void *> &all) {
  T *object = new T;
  all.insert(object);
  return object;
}
template <typename T>
static CUresult destroy(std::set<void *> &all, T *object) {
  if (!all.erase(object))
    return kInvalidHandle;
  delete object;
  return kSuccess;
}

ET_CU cuStreamCreateWithPriority(CUstream *stream, unsigned flags,
                                 int priority) {
  ET_ENTER
  if (!stream || flags > 1) // NON_BLOCKING
    return kInvalidValue;
  *stream = make<StreamObject>(driver.streams);
  (*stream)->priority = priority;
  (*stream)->flags = flags;
  return kSuccess;
}
ET_CU cuStreamCreate(CUstream *stream, unsigned flags) {
  return cuStreamCreateWithPriority(stream, flags, 0);
}
ET_CU cuStreamDestroy_v2(CUstream stream) {
  ET_ENTER
  return destroy(driver.streams, stream);
}
ET_CU cuStreamSynchronize(CUstream stream) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  return !s           ? kInvalidHandle
         : s->capture ? kStreamCaptureUnsupported
                      : kSuccess;
}
ET_CU cuStreamQuery(CUstream stream) { return cuStreamSynchronize(stream); }
ET_CU cuStreamGetPriority(CUstream stream, int *priority) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  *priority = s->priority;
  return kSuccess;
}
ET_CU cuStreamGetFlags(CUstream stream, unsigned *flags) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  *flags = s->flags;
  return kSuccess;
}
ET_CU cuStreamGetCtx(CUstream, CUcontext *context) {
  ET_ENTER
  *context = &driver.context;
  return kSuccess;
}

ET_CU cuEventCreate(CUevent *event, unsigned flags) {
  ET_ENTER
  // BLOCKING_SYNC, DISABLE_TIMING, INTERPROCESS
  if (!event || flags > 7)
    return kInvalidValue;
  *event = make<EventObject>(driver.events);
  return kSuccess;
}
ET_CU cuEventDestroy_v2(CUevent event) {
  ET_ENTER
  return destroy(driver.events, event);
}
ET_CU cuEventRecord(CUevent event, CUstream stream) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s || !driver.events.count(event))
    return kInvalidHandle;
  event->recorded = true;
  event->capture = s->capture;
  event->when = std::chrono::steady_clock::now();
  return kSuccess;
}
ET_CU cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  return flags > 1 ? kInvalidValue : cuEventRecord(event, stream);
}
ET_CU cuEventQuery(CUevent event) {
  ET_ENTER
  return driver.events.count(event) ? kSuccess : kInvalidHandle;
}
ET_CU cuEventSynchronize(CUevent event) { return cuEventQuery(event); }
ET_CU cuEventElapsedTime(float *milliseconds, CUevent from, CUevent to) {
  ET_ENTER
  if (!driver.events.count(from) || !driver.events.count(to) ||
      !from->recorded || !to->recorded)
    return kInvalidHandle;
  *milliseconds =
      std::chrono::duration<float, std::milli>(to->when - from->when).count();
  return kSuccess;
}
ET_CU cuEventElapsedTime_v2(float *milliseconds, CUevent from, CUevent to) {
  return cuEventElapsedTime(milliseconds, from, to);
}
ET_CU cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  ET_ENTER
  if (flags > 1)
    return kInvalidValue;
  StreamObject *s = driver.stream(stream);
  if (!s || !driver.events.count(event))
    return kInvalidHandle;
  if (event->capture && !s->capture)
    s->capture = event->capture;
  return kSuccess;
}

ET_CU cuStreamBeginCapture_v2(CUstream stream, int mode) {
  ET_ENTER
  if (mode < 0 || mode > 2) // global, of the thread, relaxed
    return kInvalidValue;
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  if (s == &driver.defaultStream || s->capture)
    return kStreamCaptureUnsupported;
  s->capture = make<GraphObject>(driver.graphs);
  s->origin = true;
  s->isRelaxed = mode == 2;
  return kSuccess;
}
ET_CU cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  *graph = nullptr;
  if (!s->capture || !s->origin)
    return kCaptureUnmatched;
  *graph = s->capture;
  s->origin = false;
  for (void *other : driver.streams)
    if (static_cast<StreamObject *>(other)->capture == *graph)
      static_cast<StreamObject *>(other)->capture = nullptr;
  for (void *event : driver.events)
    if (static_cast<EventObject *>(event)->capture == *graph)
      static_cast<EventObject *>(event)->capture = nullptr;
  return kSuccess;
}
ET_CU cuStreamIsCapturing(CUstream stream, int *status) {
  ET_ENTER
  StreamObject *s = driver.stream(stream);
  if (!s)
    return kInvalidHandle;
  *status = s->capture ? 1 : 0;
  return kSuccess;
}
ET_CU cuThreadExchangeStreamCaptureMode(int *mode) {
  ET_ENTER
  static thread_local int current = 0;
  if (!mode || *mode < 0 || *mode > 2)
    return kInvalidValue;
  std::swap(*mode, current);
  return kSuccess;
}

ET_CU cuGraphCreate(CUgraph *graph, unsigned flags) {
  ET_ENTER
  if (!graph || flags)
    return kInvalidValue;
  *graph = make<GraphObject>(driver.graphs);
  return kSuccess;
}
ET_CU cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph,
                                  unsigned long long flags) {
  ET_ENTER
  // AUTO_FREE_ON_LAUNCH, UPLOAD, DEVICE_LAUNCH, USE_NODE_PRIORITY
  if (!exec || flags > 15)
    return kInvalidValue;
  if (!driver.graphs.count(graph))
    return kInvalidHandle;
  *exec = make<GraphExecObject>(driver.graphExecs);
  (*exec)->nodes = graph->nodes;
  return kSuccess;
}
ET_CU cuGraphInstantiate(CUgraphExec *exec, CUgraph graph,
                         unsigned long long flags) {
  return cuGraphInstantiateWithFlags(exec, graph, flags);
}
ET_CU cuGraphGetNodes(CUgraph graph, void **nodes, size_t *count) {
  ET_ENTER
  if (!driver.graphs.count(graph))
    return kInvalidHandle;
  if (nodes)
    return kNotSupported;
  *count = graph->nodes.size();
  return kSuccess;
}
ET_CU cuGraphUpload(CUgraphExec exec, CUstream stream) {
  ET_ENTER
  return driver.graphExecs.count(exec) && driver.stream(stream)
             ? kSuccess
             : kInvalidHandle;
}
ET_CU cuGraphLaunch(CUgraphExec exec, CUstream stream) {
  ET_ENTER
  if (!driver.graphExecs.count(exec))
    return kInvalidHandle;
  return driver.submit(stream, [=] {
    for (const auto &node : exec->nodes)
      if (CUresult result = node())
        return result;
    return kSuccess;
  });
}
ET_CU cuGraphExecDestroy(CUgraphExec exec) {
  ET_ENTER
  return destroy(driver.graphExecs, exec);
}
ET_CU cuGraphDestroy(CUgraph graph) {
  ET_ENTER
  return destroy(driver.graphs, graph);
}
