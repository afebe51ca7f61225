package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.StartRequest;

/** What there is to be done about one request to start a job. */
record WaysToStart(
    StartRequest request, Starting starting, Intents intents, Recovery recovery, Finding finding)
    implements RepeatedStarts.Ways {

  @Override
  public Job start() {
    return finding.handle(starting.start(request));
  }

  @Override
  public Job find(JobId id) {
    return finding.find(id);
  }

  @Override
  public Job startInPlaceOf(JobId earlier) {
    try {
      finding.find(earlier).remove(request.by());
    } catch (JobException.NoSuchJob e) {
      // somebody else has removed it, and made room
    }
    return start();
  }

  @Override
  public Job startRecorded(JobId id) {
    recovery.await(id);
    if (intents.claim(id)) {
      return finding.handle(starting.startRecorded(id, request));
    }
    try {
      return finding.find(id);
    } catch (JobException.NoSuchJob e) {
      throw new JobException.Unavailable(
          "what became of an earlier start with this request id is not known yet; try again");
    }
  }
}
