package io.jobworker.core;

import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.jobworker.base.linux.FileCalls;

@AnalyzeClasses(
    packages = {"io.jobworker.base.linux", "io.jobworker.core"},
    importOptions = DoNotIncludeTests.class)
class CachedReadsTest {
  /** No thread gets past a safepoint while it runs: who calls it has asked what is in memory. */
  @ArchTest
  static final ArchRule nobodyElseReadsWhereAllThreadsWouldWaitForTheDisk =
      methods()
          .that()
          .areDeclaredIn(FileCalls.class)
          .and()
          .haveName("preadCached")
          .should()
          .onlyBeCalled()
          .byMethodsThat(name("read"));
}
