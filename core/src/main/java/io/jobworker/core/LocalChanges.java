package io.jobworker.core;

import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.store.ChangeStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The changes of this host's jobs: reads them, and tells those who wait for more. */
final class LocalChanges implements JobChanges, JobListener {
  private final ChangeStore store;
  private final ActiveJobs active;

  /** By owner; of everybody's under the empty name, which no owner has. */
  private final ConcurrentMap<String, Callbacks> waiting = new ConcurrentHashMap<>();

  LocalChanges(ChangeStore store, ActiveJobs active) {
    this.store = store;
    this.active = active;
  }

  @Override
  public long newest() {
    return store.newest();
  }

  @Override
  public List<JobChange> after(long revision, Optional<String> owner, int limit) {
    List<JobChange> told = new ArrayList<>();
    for (JobChange change : store.after(revision, owner, limit)) {
      if (isAhead(change)) {
        break; // its publication calls those who wait
      }
      told.add(change);
    }
    return told;
  }

  /** Whether the change is recorded and the job does not say so yet. */
  private boolean isAhead(JobChange change) {
    return change.status().end().isPresent() && active.find(change.status().id()).isPresent();
  }

  @Override
  public Registration onMore(Optional<String> owner, Runnable call) {
    return waiting.computeIfAbsent(owner.orElse(""), _ -> new Callbacks()).add(call);
  }

  /** Tells those who wait that a job of the owner has changed. */
  void more(String owner) {
    for (String key : List.of(owner, "")) {
      Callbacks callbacks = waiting.get(key);
      if (callbacks != null) {
        callbacks.call();
      }
    }
  }

  @Override
  public void on(JobEvent event) {
    switch (event) {
      case JobEvent.Started started -> more(started.status().owner());
      case JobEvent.Ended ended -> more(ended.status().owner());
      case JobEvent.Removed removed -> more(removed.owner());
      case JobEvent.CallRefused _ -> {} // no change of the job's
    }
  }
}
