package io.jobworker.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls between the rooms of the command line. */
@AnalyzeClasses(packages = "io.jobworker.cli", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule roomsUseOneAnotherInOneDirection =
      slices().matching("io.jobworker.cli.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule noRoomKnowsTheProgram =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.jobworker.cli")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.jobworker.cli");

  @ArchTest
  static final ArchRule whatIsPrintedKnowsNoConnection =
      noClasses()
          .that()
          .resideInAnyPackage("..cli.render..", "..cli.words..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.grpc..", "..cli.connect..", "picocli..");

  @ArchTest
  static final ArchRule onlyTheConnectionKnowsItsTransport =
      noClasses()
          .that()
          .resideOutsideOfPackage("..cli.connect..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.grpc.okhttp..");
}
