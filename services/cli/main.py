"""The `headrace` command."""

import typer

from services.cli import control, demo, jobs, rehearse, validate

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run workflows and watch them.")
for command in (jobs.run, jobs.status, jobs.logs, jobs.cancel, jobs.jobs, jobs.tasks):
    app.command()(command)
app.command()(validate.validate)
app.command("test")(rehearse.rehearse)
for control_command in (*control.ABOUT_JOBS, *control.ABOUT_STEPS):
    app.command()(control_command)
app.command()(demo.demo)

if __name__ == "__main__":
    app()
