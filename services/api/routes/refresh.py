"""Loading a workspace anew."""

from fastapi import APIRouter

from services.api.models.workspaces import RefreshAnswer
from services.api.parts import PartsOf, WorkspaceName
from services.api.routes.refusals import refusals

router = APIRouter(prefix="/api", tags=["workspaces"])


@router.post("/workspaces/{workspace}/refresh", responses=refusals(404, 429))
async def refresh_workspace(parts: PartsOf, workspace: WorkspaceName) -> RefreshAnswer:
    """Load a workspace from its folder or repository now. At most once in 5 s."""
    revision = await parts.refresh.refresh(workspace)
    return RefreshAnswer(workspace=workspace, revision=revision)
