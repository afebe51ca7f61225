package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobRecord;

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
  public Job startRecorded(JobRecord intent) {
    recovery.await(intent.id());
    if (intents.claim(intent.id())) {
      return finding.handle(starting.startRecorded(intent, request));
    }
    try {
      return finding.find(intent.id());
    } catch (JobException.NoSuchJob e) {
      throw new JobException.Unavailable(
          "what became of an earlier start of this job is not known yet; try again");
    }
  }
}
