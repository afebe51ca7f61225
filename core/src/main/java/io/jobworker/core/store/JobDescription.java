package io.jobworker.core.store;

import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a job was started as, in the form in which its own directory has it: enough to know it again
 * where the database does not.
 */
public final class JobDescription {
  private static final int VERSION = 1;

  /** A description of an older version lacks what was not there yet. */
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private record Form(
      int version,
      String owner,
      long createdAtMicros,
      String bootId,
      String slot,
      @Nullable Integer attempt,
      JobSpec spec) {}

  private JobDescription() {}

  /** Of a job that is about to be launched. */
  public static byte[] of(JobRecord intent) {
    return JSON.writeValueAsBytes(
        new Form(
            VERSION,
            intent.owner(),
            JobDatabase.micros(intent.createdAt()),
            intent.bootId(),
            intent.slot(),
            intent.attempt(),
            StoredWords.of(intent.spec())));
  }

  /**
   * The intent that was described.
   *
   * @throws IOException if this is no description, or none that this version knows
   */
  public static JobRecord read(JobId id, byte[] description) throws IOException {
    try {
      Form form = JSON.readValue(description, Form.class);
      if (form.version() != VERSION) {
        throw new IOException("a description of version " + form.version());
      }
      return JobRecord.intent(
          id,
          form.owner(),
          StoredWords.read(form.spec()),
          JobDatabase.instant(form.createdAtMicros()),
          form.bootId(),
          form.slot(),
          form.attempt() == null ? 0 : form.attempt());
    } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
      throw new IOException("this is no description of a job", e); // which may hold secrets
    }
  }
}
