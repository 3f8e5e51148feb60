# One image for every service of docker-compose.yml: Airflow, cxlisten, its classifiers and the DAGs.
FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/venv
COPY constraints.txt pyproject.toml ./
RUN /opt/venv/bin/pip install --no-cache-dir --constraint constraints.txt uv \
 && /opt/venv/bin/uv pip install --no-cache --python /opt/venv --compile-bytecode --constraint constraints.txt \
      --requirements pyproject.toml --extra sources --extra nlp --extra airflow
COPY LICENSE README.md ./
COPY sql sql
COPY classifiers classifiers
COPY demo demo
COPY dags dags
COPY cxlisten cxlisten
RUN /opt/venv/bin/uv pip install --no-cache --python /opt/venv --no-deps --build-constraint constraints.txt .

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 cxlisten \
 && install --directory --owner cxlisten /data /opt/airflow
COPY --from=build /opt/venv /opt/venv
COPY dags /opt/cxlisten/dags
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/cxlisten/dags \
    AIRFLOW__CORE__LOAD_EXAMPLES=false \
    CXLISTEN_HOME=/data \
    CXLISTEN_CONFIG=/config/cxlisten.toml
USER cxlisten
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=5 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://localhost:8080/api/v2/version', timeout=5)"]
CMD ["airflow", "api-server"]
