"""Creates the project's own MLflow store."""

from pathlib import Path


def create(database: Path) -> None:
    """Create the SQLite file in one step.

    MLflow creates it by many changes one after the other, and cannot go on with a file in which a kill left half of
    them.
    """
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    partial = database.with_name(f".{database.name}.partial")
    for left in (partial, partial.with_name(f"{partial.name}-journal")):
        left.unlink(missing_ok=True)
    engine = create_sqlalchemy_engine(f"sqlite:///{partial}")
    _initialize_tables(engine)
    engine.dispose()
    partial.replace(database)
