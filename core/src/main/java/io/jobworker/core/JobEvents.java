package io.jobworker.core;

import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells all listeners. Thread-safe. */
record JobEvents(List<JobListener> listeners) {
  private static final Logger LOG = LoggerFactory.getLogger(JobEvents.class);

  JobEvents {
    listeners = List.copyOf(listeners);
  }

  /** These, and one more that hears of everything after them. */
  JobEvents andThen(JobListener last) {
    List<JobListener> all = new ArrayList<>(listeners);
    all.add(last);
    return new JobEvents(all);
  }

  /** Makes sure that all of them could hear of a job that is about to begin. */
  void requireRoom() {
    try {
      listeners.forEach(JobListener::requireRoom);
    } catch (JobException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new JobException.Unavailable("whether the job could be told of is not known", e);
    }
  }

  void publish(JobEvent event) {
    for (JobListener listener : listeners) {
      try {
        listener.on(event);
      } catch (RuntimeException e) {
        LOG.atError().addKeyValue("job", event.job()).setCause(e).log("job.listener_failed");
      }
    }
  }
}
