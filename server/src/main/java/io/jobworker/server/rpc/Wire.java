package io.jobworker.server.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import io.jobworker.api.v1.InputResponse;
import io.jobworker.api.v1.InputState;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Reason;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.JobInput;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.StdStream;
import io.jobworker.server.gate.InvalidField;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Between the wire's messages and the library's values, both ways. */
final class Wire {
  private Wire() {}

  // --- from the wire

  /** The id in a request that has passed the owner check, which refuses anything else. */
  static JobId id(String text) {
    return JobId.parse(text).orElseThrow(() -> new JobException.NoSuchJob(text));
  }

  static JobSpec spec(io.jobworker.api.v1.JobSpec wire) {
    JobSpec.Builder spec =
        JobSpec.builder(WireWords.command(wire))
            .environment(WireWords.environment(wire))
            .labels(wire.getLabelsMap())
            .name(wire.getName())
            .limits(WireLimits.fromWire(wire.getLimits()))
            .isolation(WireLimits.fromWire(wire.getIsolation()))
            .mergeOutput(wire.getMergeOutput())
            .stdinStream(wire.getStdinStream());
    WireWords.workingDirectory(wire).ifPresent(spec::workingDirectory);
    if (wire.hasTimeout()) {
      spec.timeout(positive("spec.timeout", wire.getTimeout()));
    }
    if (wire.hasGrace()) {
      spec.grace(duration("spec.grace", wire.getGrace()));
    }
    if (!wire.getRequestId().isEmpty()) {
      spec.requestId(wire.getRequestId());
    }
    if (wire.getOutputRetainBytes() != 0) {
      if (wire.getOutputRetainBytes() < 0) { // protobuf's uint64 beyond 2^63
        throw new InvalidField("spec.output_retain_bytes", "too large");
      }
      spec.outputRetain(ByteSize.of(wire.getOutputRetainBytes()));
    }
    return spec.build();
  }

  static StopRequest stop(io.jobworker.api.v1.StopOptions wire) {
    Optional<java.time.Duration> grace =
        wire.hasGrace() ? Optional.of(duration("stop.grace", wire.getGrace())) : Optional.empty();
    return new StopRequest(grace, signal(wire));
  }

  /** Whether it is no stop at all: as with {@code kill -s}, the job does with it what it likes. */
  static boolean isSignalAlone(io.jobworker.api.v1.StopOptions wire) {
    return !wire.hasGrace() && !wire.getSignal().isEmpty();
  }

  static Signal signal(io.jobworker.api.v1.StopOptions wire) {
    return wire.getSignal().isEmpty()
        ? Signal.TERM
        : Signal.parse(wire.getSignal())
            .orElseThrow(
                () -> new InvalidField("stop.signal", "not one of the signals that can be sent"));
  }

  static Optional<StdStream> stream(io.jobworker.api.v1.Stream wire) {
    return switch (wire) {
      case STREAM_UNSPECIFIED -> Optional.empty();
      case STREAM_STDOUT -> Optional.of(StdStream.STDOUT);
      case STREAM_STDERR -> Optional.of(StdStream.STDERR);
      case UNRECOGNIZED -> throw new InvalidField("logs.stream", "unknown stream");
    };
  }

  static Instant instant(String field, Timestamp wire) {
    if (!Timestamps.isValid(wire)) {
      throw new InvalidField(field, "not a point in time");
    }
    return Instant.ofEpochSecond(wire.getSeconds(), wire.getNanos());
  }

  static java.time.Duration duration(String field, Duration wire) {
    if (!Durations.isValid(wire) || wire.getSeconds() < 0 || wire.getNanos() < 0) {
      throw new InvalidField(field, "must not be negative or out of range");
    }
    return java.time.Duration.ofSeconds(wire.getSeconds(), wire.getNanos());
  }

  private static java.time.Duration positive(String field, Duration wire) {
    java.time.Duration value = duration(field, wire);
    if (value.isZero()) {
      throw new InvalidField(field, "must be longer than nothing");
    }
    return value;
  }

  // --- to the wire

  static JobResponse response(JobStatus job) {
    return JobResponse.newBuilder()
        .setId(job.id().toString())
        .setStatus(status(job.state()))
        .build();
  }

  static JobState state(String field, String wire) {
    for (JobState state : JobState.values()) {
      if (status(state).equals(wire)) {
        return state;
      }
    }
    throw new InvalidField(field, "one of running, stopping, exited, failed, stopped and lost");
  }

  static String status(JobState state) {
    return switch (state) {
      case RUNNING -> "running";
      case STOPPING -> "stopping";
      case EXITED -> "exited";
      case FAILED -> "failed";
      case STOPPED -> "stopped";
      case LOST -> "lost";
    };
  }

  static JobStatusResponse statusResponse(JobStatus job, String newestOutput, Usage usage) {
    JobStatusResponse.Builder wire =
        JobStatusResponse.newBuilder()
            .setId(job.id().toString())
            .setStatus(status(job.state()))
            .setOutput(newestOutput)
            .setOwner(job.owner())
            .setSpec(spec(job.spec()))
            .setCreatedAt(timestamp(job.createdAt()))
            .setPid(job.mainPid())
            .setOutputTotalBytes(job.outputBytes())
            .setOutputDroppedBytes(job.outputDroppedBytes());
    if (usage.isKnown()) {
      wire.setUsage(usage(usage, job.end().map(JobEnd::at).orElseGet(Instant::now)));
      untold(figures(usage)).forEach(figure -> wire.addUnmeasured(figure.getName()));
    }
    wire.setDetail(job.trouble());
    job.end().ifPresent(end -> addEnd(wire, end));
    return wire.build();
  }

  /** What is kept of a change. */
  static JobStatusResponse change(JobChange change) {
    JobStatus job = change.status();
    JobStatusResponse.Builder wire =
        JobStatusResponse.newBuilder()
            .setId(job.id().toString())
            .setStatus(status(job.state()))
            .setOwner(job.owner())
            .setSpec(
                io.jobworker.api.v1.JobSpec.newBuilder()
                    .setName(job.spec().name())
                    .putAllLabels(job.spec().labels()))
            .setCreatedAt(timestamp(job.createdAt()))
            .setPid(job.mainPid())
            .setOutputTotalBytes(job.outputBytes())
            .setOutputDroppedBytes(job.outputDroppedBytes())
            .setRevision(change.revision())
            .setChangedAt(timestamp(change.at()))
            .setRemoved(change.removed());
    job.end().ifPresent(end -> addEnd(wire, end));
    return wire.build();
  }

  private static void addEnd(JobStatusResponse.Builder wire, JobEnd end) {
    wire.setReason(reason(end.reason())).setEndedAt(timestamp(end.at())).setDetail(end.detail());
    end.exitCode().ifPresent(wire::setExitCode);
    end.signal().ifPresent(wire::setSignal);
  }

  static JobStats usage(Usage usage, Instant at) {
    JobStats.Builder told = figures(usage);
    untold(told).forEach(told::clearField);
    return told.setTime(timestamp(at)).build();
  }

  private static JobStats.Builder figures(Usage usage) {
    return JobStats.newBuilder()
        .setCpuUsec(usage.cpu().toNanos() / 1000)
        .setCpuThrottledUsec(usage.throttled().toNanos() / 1000)
        .setMemoryBytes(usage.memoryBytes())
        .setMemoryPeakBytes(usage.memoryPeakBytes())
        .setOomKills(usage.oomKills())
        .setIoReadBytes(usage.readBytes())
        .setIoWriteBytes(usage.writtenBytes())
        .setPids(usage.pids());
  }

  /** Those that could not be read: of an ended job, by its launcher. */
  private static List<FieldDescriptor> untold(JobStats.Builder figures) {
    return figures.getAllFields().entrySet().stream()
        .filter(figure -> figure.getValue() instanceof Long value && value < 0)
        .map(Map.Entry::getKey)
        .toList();
  }

  private static Reason reason(EndReason reason) {
    return switch (reason) {
      case EXITED -> Reason.REASON_EXITED;
      case SIGNALED -> Reason.REASON_SIGNALED;
      case OOM_KILLED -> Reason.REASON_OOM_KILLED;
      case TIMED_OUT -> Reason.REASON_TIMED_OUT;
      case STOPPED -> Reason.REASON_STOPPED;
      case LOST -> Reason.REASON_LOST;
      case NEVER_STARTED -> Reason.REASON_NEVER_STARTED;
    };
  }

  private static io.jobworker.api.v1.JobSpec spec(JobSpec spec) {
    io.jobworker.api.v1.JobSpec.Builder wire =
        io.jobworker.api.v1.JobSpec.newBuilder()
            .putAllLabels(spec.labels())
            .setName(spec.name())
            .setLimits(WireLimits.toWire(spec.limits()))
            .setIsolation(WireLimits.toWire(spec.isolation()))
            .setMergeOutput(spec.mergeOutput())
            .setStdinStream(spec.stdinStream());
    WireWords.put(spec, wire);
    spec.timeout().ifPresent(value -> wire.setTimeout(duration(value)));
    spec.grace().ifPresent(value -> wire.setGrace(duration(value)));
    spec.requestId().ifPresent(wire::setRequestId);
    spec.outputRetain().ifPresent(value -> wire.setOutputRetainBytes(value.bytes()));
    return wire.build();
  }

  static io.jobworker.api.v1.Stream stream(StdStream stream) {
    return switch (stream) {
      case STDOUT -> io.jobworker.api.v1.Stream.STREAM_STDOUT;
      case STDERR -> io.jobworker.api.v1.Stream.STREAM_STDERR;
    };
  }

  static InputResponse input(JobInput.Progress progress) {
    InputState state =
        switch (progress.state()) {
          case OPEN -> InputState.INPUT_STATE_OPEN;
          case ENDED -> InputState.INPUT_STATE_ENDED;
          case CLOSED -> InputState.INPUT_STATE_CLOSED;
          case JOB_ENDED -> InputState.INPUT_STATE_JOB_ENDED;
        };
    return InputResponse.newBuilder()
        .setTaken(progress.taken())
        .setLimit(progress.limit())
        .setState(state)
        .build();
  }

  static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }

  private static Duration duration(java.time.Duration value) {
    return Durations.add(
        Durations.fromSeconds(value.toSeconds()), Durations.fromNanos(value.toNanosPart()));
  }
}
