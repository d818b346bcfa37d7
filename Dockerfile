# A Hugging Face Docker Space, or any container host: docker build -t bccseg . && docker run -p 7860:7860 bccseg
# For an NVIDIA GPU: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
FROM python:3.12-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# Spaces run containers as uid 1000 with a home of its own.
RUN useradd --create-home --uid 1000 user && install -d -o user -g user /data
WORKDIR /app

COPY requirements.txt .
# torch and torchvision from one index, so that both are of the same build; then all the rest.
RUN grep -E '^torch(vision)?==' requirements.txt > torch.txt \
    && pip install --no-cache-dir --index-url "$TORCH_INDEX" -r torch.txt \
    && pip install --no-cache-dir -r requirements.txt

COPY . .

USER user
ENV HOME=/home/user PYTHONUNBUFFERED=1
EXPOSE 7860
HEALTHCHECK CMD python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/_stcore/health', timeout=5)"

# Says how the server is shared (BCCSEG_MODE), sets up the login, and what the frame of a Space needs.
CMD ["python", "deploy/start.py", "--server.port=7860", "--server.address=0.0.0.0"]
