package io.jobworker.core;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Those who are to be called. What a future's dependents would leave behind when they give up, this
 * does not. Thread-safe; calls are made without locks.
 */
final class Callbacks {
  private static final Logger LOG = LoggerFactory.getLogger(Callbacks.class);

  private final Set<Entry> entries = ConcurrentHashMap.newKeySet();

  /** Equal to itself only: the same call may be registered more than once. */
  private static final class Entry {
    private final Runnable call;

    private Entry(Runnable call) {
      this.call = call;
    }
  }

  Registration add(Runnable call) {
    Entry entry = new Entry(call);
    entries.add(entry);
    return () -> entries.remove(entry);
  }

  /** Calls all of them. */
  void call() {
    entries.forEach(Callbacks::call);
  }

  /** Calls all of them, and each for the last time; with another call of this at once each once. */
  void callFinally() {
    List<Entry> all = List.copyOf(entries);
    for (Entry entry : all) {
      if (entries.remove(entry)) {
        call(entry);
      }
    }
  }

  int size() {
    return entries.size();
  }

  private static void call(Entry entry) {
    try {
      entry.call.run();
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("callback.failed");
    }
  }
}
