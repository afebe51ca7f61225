package io.jobworker.core;

import io.jobworker.core.job.JobException;
import java.nio.ByteBuffer;

/**
 * A job's stdin, as its one writer has it. Bytes have absolute offsets, which count from the job's
 * start over all writers; a writer begins where its first {@link Progress} says, and may send up to
 * its limit. No method waits: not for the job, nor for its launcher. What is not taken when a
 * writer goes is for the next one to send again. Thread-safe; calls are carried out in their order.
 */
public interface JobInput extends AutoCloseable {
  /**
   * Sends bytes, the first of which is that of {@code offset}: where the bytes before have ended.
   * They must not change until they are taken.
   */
  void write(long offset, ByteBuffer bytes);

  /** There are so many bytes, and no more: the job gets its end of file, once. */
  void end(long offset);

  /** Leaves the job's stdin open, for another writer. Idempotent. */
  @Override
  void close();

  /** Where a job's stdin stands. */
  enum State {
    OPEN,
    /** The job was given its end of file. */
    ENDED,
    /** The job has closed it, and reads no more. */
    CLOSED,
    /** The job has ended. */
    JOB_ENDED
  }

  /**
   * How far the job has been fed.
   *
   * @param taken all before this offset is in the job's pipe, and nothing from it on
   * @param limit what is sent may go up to this offset
   */
  record Progress(State state, long taken, long limit) {}

  /** Hears how it goes on, on a thread that must not be blocked. */
  interface Listener {
    /** First where it stands, then each change. After any state but open nothing follows. */
    void progress(Progress progress);

    /**
     * It does not go on. Nothing follows.
     *
     * @param why {@link JobException.TakenOver} by another writer, {@link JobException.WrongState}
     *     of a job that has ended, or {@link JobException.Unavailable}
     */
    void lost(JobException why);
  }
}
