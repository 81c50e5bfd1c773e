"""The `headrace` command."""

import typer

from services.cli import demo, jobs, validate

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run workflows and watch them.")
for command in (jobs.run, jobs.status, jobs.logs, jobs.cancel, jobs.jobs, jobs.tasks, validate.validate, demo.demo):
    app.command()(command)

if __name__ == "__main__":
    app()
