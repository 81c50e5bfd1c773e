"""The `headrace` command."""

import typer

from services.cli import demo, jobs, rehearse, validate

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run workflows and watch them.")
for command in (jobs.run, jobs.status, jobs.logs, jobs.cancel, jobs.jobs, jobs.tasks):
    app.command()(command)
app.command()(validate.validate)
app.command("test")(rehearse.rehearse)
app.command()(demo.demo)

if __name__ == "__main__":
    app()
